"""Finds sensitive data in text, for the sandbox's Macie: a few of its managed data identifiers.

The names, categories and checks are those of
https://docs.aws.amazon.com/macie/latest/user/mdis-reference-quick.html, in two ways more eager, so
that a person has something to try with: no keyword need be near a card number, a social security
number with dashes or an access key id, and numbers published for testing count.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from local.macie.numbers import is_card_number, is_social_security_number
from local.macie.passages import Passage

_MOST_LOCATED = 15


class Category(StrEnum):
    """Macie's categories of sensitive data."""

    CREDENTIALS = "CREDENTIALS"
    FINANCIAL = "FINANCIAL_INFORMATION"
    PERSONAL = "PERSONAL_INFORMATION"


class Severity(IntEnum):
    """Macie's severity score; the name, capitalised, is its description."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, kw_only=True)
class Identifier:
    """A managed data identifier: Macie's name for it, and the category it belongs to."""

    name: str
    category: Category


CARD = Identifier(name="CREDIT_CARD_NUMBER", category=Category.FINANCIAL)
AWS_KEY = Identifier(name="AWS_CREDENTIALS", category=Category.CREDENTIALS)
EMAIL = Identifier(name="EMAIL_ADDRESS", category=Category.PERSONAL)
SSN = Identifier(name="USA_SOCIAL_SECURITY_NUMBER", category=Category.PERSONAL)


@dataclass(kw_only=True)
class Detection:
    """How often one identifier matched, and where: at most 15 places are kept, as Macie does."""

    identifier: Identifier
    count: int = 0
    places: list[dict[str, Any]] = field(default_factory=list)

    def add(self, place: dict[str, Any]) -> None:
        """Count one more occurrence."""
        self.count += 1
        if len(self.places) < _MOST_LOCATED:
            self.places.append(place)

    @property
    def severity(self) -> Severity:
        """Score it as Macie does.

        Source: https://docs.aws.amazon.com/macie/latest/user/findings-severity.html; that has no
        line for e-mail addresses, so they score as its phone numbers do.
        """
        if self.identifier is not EMAIL:
            return Severity.HIGH
        if self.count == 1:
            return Severity.LOW
        return Severity.HIGH if self.count >= 100 else Severity.MEDIUM  # noqa: PLR2004 - Macie's


def detect(passages: Iterator[Passage]) -> tuple[Detection, ...]:
    """Find what is sensitive; each identifier that matched has one detection."""
    found: dict[str, Detection] = {}
    for passage in passages:
        for identifier, start in _matches(passage):
            detection = found.setdefault(identifier.name, Detection(identifier=identifier))
            detection.add(passage.place(start))
    return tuple(found[name] for name in sorted(found))


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
_SECRET_IS_NEAR = re.compile(r"credential|secret[ _-]?(?:access[ _-]?)?key", re.IGNORECASE)
_SSN_IS_NEAR = re.compile(r"\bss(?:n|#)|social.?security", re.IGNORECASE)


def _matches(passage: Passage) -> Iterator[tuple[Identifier, int]]:
    """Answer what matches in one passage, and where."""
    text = passage.text
    for one in _CARDS.finditer(text):
        if is_card_number(re.sub("[ -]", "", one[0])):
            yield CARD, one.start()
    for one in _SSNS.finditer(text):
        is_marked = one[2] or _SSN_IS_NEAR.search(passage.context)
        if is_marked and is_social_security_number(one[1], one[3], one[4]):
            yield SSN, one.start()
    yield from ((EMAIL, one.start()) for one in _EMAILS.finditer(text))
    yield from ((AWS_KEY, one.start()) for one in _KEY_IDS.finditer(text))
    if _SECRET_IS_NEAR.search(passage.context):
        yield from ((AWS_KEY, one.start()) for one in _SECRETS.finditer(text))
