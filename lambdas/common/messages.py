"""A record as people see it: one function draws every status, first post and update alike."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, Block, ContextBlock, HeaderBlock, SectionBlock

from lambdas.common.buttons import buttons
from lambdas.common.finding import Detection, Finding
from lambdas.common.record import JoinedFinding, Record
from lambdas.common.text import code, escaped, human_size, listed, literal, shortest_needed
from lambdas.common.wording import headline, mrkdwn, standing, when

LONGEST_FALLBACK = 4000
"""In bytes, the strictest that Slack's limit can be meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What Slack shows: Block Kit `blocks`, and the same facts as `text` where those do not go."""

    text: str
    blocks: tuple[dict[str, Any], ...]


def render(record: Record) -> Message:
    """Draw `record` as it stands.

    Source: https://docs.slack.dev/reference/block-kit/blocks
    """
    blocks = [block.to_dict() for block in _blocks(record)]
    return Message(text=_fallback(record), blocks=tuple(blocks))


def _blocks(record: Record) -> Iterator[Block]:
    finding = record.finding
    yield HeaderBlock(text=headline(record))
    yield SectionBlock(text=mrkdwn(f"{code(finding.object.uri, 1400)}\n{_what(finding)}"))
    yield SectionBlock(
        fields=[mrkdwn(f"*{name}*\n{value}") for name, value in _facts(finding).items()]
    )
    if record.joined:
        yield SectionBlock(text=mrkdwn(_also_found(record.joined, 1200)))
    yield SectionBlock(text=mrkdwn(standing(record)))
    yield ActionsBlock(elements=[*buttons(record)])
    yield ContextBlock(elements=[mrkdwn(f"Finding {code(finding.id, 300)} · {_origin(finding)}")])


def _fallback(record: Record) -> str:
    """Tell the same, each piece cut as short as the whole needs it to be.

    chat.update refuses a longer text with `msg_too_long`.
    Source: https://docs.slack.dev/reference/methods/chat.update
    """
    return shortest_needed(lambda share: _in_lines(record, share), LONGEST_FALLBACK)


def _in_lines(record: Record, share: int) -> str:
    finding = record.finding
    facts = [f"{name}: {value}" for name, value in _facts(finding, limit=200 // share).items()]
    lines = [
        headline(record),
        code(finding.object.uri, 700 // share),
        _what(finding, limit=500 // share),
        *facts,
        *([_also_found(record.joined, 600 // share)] if record.joined else []),
        standing(record, limit=700 // share),
    ]
    return "\n".join(lines)


def _what(finding: Finding, limit: int = 1200) -> str:
    title = literal(finding.title, min(200, limit)) or "Sensitive data"
    return f"*{title}*\n{literal(finding.description, limit)}"


def _facts(finding: Finding, limit: int = 800) -> dict[str, str]:
    tags = (literal(f"{tag.key}={tag.value}", 400) for tag in finding.bucket_tags)
    affected = finding.object
    return {
        "Severity": finding.severity.name if finding.severity else "not given",
        "Type": escaped(finding.type, min(200, limit)),
        "Account": escaped(finding.account, 50),
        "Region": escaped(finding.region, 50),
        "Detected": _detected(finding.detections, limit),
        "When": when(finding.created_at),
        "Size": human_size(affected.size),
        "Public": {True: "*yes, anyone can read it*", False: "no", None: "unknown"}[
            affected.is_public
        ],
        "Encryption": _encryption(finding, limit),
        "Bucket tags": listed(tags, limit),
    }


def _detected(detections: Iterable[Detection], limit: int) -> str:
    return listed((f"{literal(one.name, 200)} × {one.count:,}" for one in detections), limit)


def _also_found(joined: tuple[JoinedFinding, ...], limit: int) -> str:
    """Tell what else was found in the object; it is decided once, for all of them."""
    each = (
        f"{escaped(one.type, 100)} ({one.severity.name if one.severity else 'no severity'}):"
        f" {_detected(one.detections, 300)}"
        for one in reversed(joined)
    )
    return f"*Also found in this object:* {listed(each, limit)}"


def _encryption(finding: Finding, limit: int) -> str:
    affected = finding.object
    kind = escaped(affected.encryption or "unknown", 50)
    return f"{kind} {literal(affected.kms_key, limit)}" if affected.kms_key else kind


def _origin(finding: Finding) -> str:
    if finding.job is None:
        return "automated sensitive data discovery"
    return f"sensitive data discovery job {code(finding.job, 300)}"
