"""Detects sensitive data in text, by a few of Macie's managed data identifiers.

The names, categories and checks are those of
https://docs.aws.amazon.com/macie/latest/user/mdis-reference-quick.html, but it detects more in two
ways, so that people have something to try: a card number, a social security number with dashes or
an access key id needs no keyword near it, and published test numbers count.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from local.macie.numbers import is_card_number, is_social_security_number
from local.macie.passages import Passage

_MAX_OCCURRENCES = 15


class Category(StrEnum):
    """Macie's categories of sensitive data."""

    CREDENTIALS = "CREDENTIALS"
    FINANCIAL = "FINANCIAL_INFORMATION"
    PERSONAL = "PERSONAL_INFORMATION"


class Severity(IntEnum):
    """Macie's severity score. The capitalized name is its description."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, kw_only=True)
class Identifier:
    """A managed data identifier: Macie's name for it, and its category."""

    name: str
    category: Category


CARD = Identifier(name="CREDIT_CARD_NUMBER", category=Category.FINANCIAL)
AWS_KEY = Identifier(name="AWS_CREDENTIALS", category=Category.CREDENTIALS)
EMAIL = Identifier(name="EMAIL_ADDRESS", category=Category.PERSONAL)
SSN = Identifier(name="USA_SOCIAL_SECURITY_NUMBER", category=Category.PERSONAL)


@dataclass(kw_only=True)
class Detection:
    """How often an identifier matched, and the locations of the first 15 matches, as in Macie."""

    identifier: Identifier
    count: int = 0
    occurrences: list[dict[str, Any]] = field(default_factory=list)

    def add(self, location: dict[str, Any]) -> None:
        """Count a match."""
        self.count += 1
        if len(self.occurrences) < _MAX_OCCURRENCES:
            self.occurrences.append(location)

    @property
    def severity(self) -> Severity:
        """The severity as Macie scores it.

        Source: https://docs.aws.amazon.com/macie/latest/user/findings-severity.html; it does not
        list e-mail addresses, so they score as its phone numbers do.
        """
        if self.identifier is not EMAIL:
            return Severity.HIGH
        if self.count == 1:
            return Severity.LOW
        return Severity.HIGH if self.count >= 100 else Severity.MEDIUM  # noqa: PLR2004 - Macie's


def detect(passages: Iterator[Passage]) -> tuple[Detection, ...]:
    """Return a detection for each identifier that matches, sorted by name."""
    detections: dict[str, Detection] = {}
    for passage in passages:
        for identifier, start in _matches(passage):
            detection = detections.setdefault(identifier.name, Detection(identifier=identifier))
            detection.add(passage.location(start))
    return tuple(detections[name] for name in sorted(detections))


_CARDS = re.compile(
    r"(?<![0-9A-Za-z.])"
    r"(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5})"
    r"(?![0-9A-Za-z]|\.\d)",
    re.ASCII,
)
_SSNS = re.compile(r"(?<![\w-])(\d{3})([ -]?)(\d{2})\2(\d{4})(?![\w-])", re.ASCII)
_EMAILS = re.compile(
    r"(?<![\w.%+@-])[\w.%+-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,63}"
    r"(?![\w@])",
    re.ASCII | re.IGNORECASE,
)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
_KEY_IDS = re.compile(r"(?<![A-Za-z0-9])A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9])")
_SECRETS = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_SECRET_KEYWORDS = re.compile(r"credential|secret[ _-]?(?:access[ _-]?)?key", re.IGNORECASE)
_SSN_KEYWORDS = re.compile(r"\bss(?:n|#)|social.?security", re.IGNORECASE)


def _matches(passage: Passage) -> Iterator[tuple[Identifier, int]]:
    """Yield what matches in a passage, and where it begins."""
    text = passage.text
    for match in _CARDS.finditer(text):
        if is_card_number(re.sub("[ -]", "", match[0])):
            yield CARD, match.start()
    for match in _SSNS.finditer(text):
        is_marked = match[2] or _SSN_KEYWORDS.search(passage.context)
        if is_marked and is_social_security_number(match[1], match[3], match[4]):
            yield SSN, match.start()
    yield from ((EMAIL, match.start()) for match in _EMAILS.finditer(text))
    yield from ((AWS_KEY, match.start()) for match in _KEY_IDS.finditer(text))
    if _SECRET_KEYWORDS.search(passage.context):
        yield from ((AWS_KEY, match.start()) for match in _SECRETS.finditer(text))
