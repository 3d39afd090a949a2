"""The sandbox's Macie detects sensitive data, and nothing else."""

import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.macie.detector import AWS_KEY, CARD, EMAIL, SSN, Detection, Severity, detect
from local.macie.numbers import ISSUERS, check_digit, is_card_number, is_social_security_number
from local.macie.passages import passages

SECRET = "aK3b7dV9/Qz0hJ5mN2pR8sT4uW6xY1cE+fGiLoqB"
KEY_ID = "AKIAQ7XMPLK2N3RSTUVW"


def _detect(text: str, key: str = "a.txt") -> dict[str, Detection]:
    return {detection.identifier.name: detection for detection in detect(passages(key, text))}


def _counts(text: str, key: str = "a.txt") -> dict[str, int]:
    return {name: detection.count for name, detection in _detect(text, key).items()}


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    """Draw the digits of a card of any issuer, with the right check digit."""
    _, lowest, highest, lengths = draw(st.sampled_from(ISSUERS))
    prefix = str(draw(st.integers(int(lowest), int(highest))))
    size = draw(st.sampled_from(sorted(lengths))) - len(prefix) - 1
    digits = prefix + draw(st.text(string.digits, min_size=size, max_size=size))
    return digits + check_digit(digits)


@given(card_numbers(), st.sampled_from(["", "card ", "pan=", "(", "Ünïcode: ", '"']))
def test_every_issuers_card_is_detected_in_any_text(digits: str, before: str) -> None:
    assert _counts(f"{before}{digits}, thanks") == {CARD.name: 1}


@given(card_numbers(), st.sampled_from([" ", "-"]))
def test_a_card_is_detected_in_groups_of_digits(digits: str, separator: str) -> None:
    groups = {14: (4, 6, 4), 15: (4, 6, 5), 16: (4, 4, 4, 4)}.get(len(digits))
    if groups:
        rest = iter(digits)
        number = separator.join("".join(next(rest) for _ in range(size)) for size in groups)
        assert _counts(f"paid with {number}.") == {CARD.name: 1}


@given(card_numbers(), st.data())
def test_a_number_with_a_wrong_digit_is_not_a_card(digits: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(digits) - 1))
    wrong = data.draw(st.sampled_from(string.digits.replace(digits[place], "")))
    assert not is_card_number(digits[:place] + wrong + digits[place + 1 :])


@given(st.text(st.characters(exclude_characters="@", exclude_categories=["Nd"]), max_size=300))
def test_text_without_digits_and_at_signs_has_no_detections(text: str) -> None:
    plain = re.sub(r"[A-Za-z0-9/+]{40}", "", text)
    assert _counts(plain) == {}


@given(st.text(max_size=300), st.sampled_from(["a.txt", "a.csv", "a.tsv", "noending"]))
def test_any_text_is_accepted(text: str, key: str) -> None:
    for detection in detect(passages(key, text)):
        assert 1 <= len(detection.occurrences) <= min(15, detection.count)


@given(st.lists(st.sampled_from(["4111 1111 1111 1111", "jo@example.com", "nothing"]), max_size=60))
def test_an_occurrence_locates_the_value(lines: list[str]) -> None:
    text = "\n".join(f"{'x ' * (number % 7)}{line}" for number, line in enumerate(lines))
    detections = _detect(text)
    for name, value in {CARD.name: "4111 1111 1111 1111", EMAIL.name: "jo@example.com"}.items():
        assert (detections[name].count if name in detections else 0) == lines.count(value)
        for location in detections[name].occurrences if name in detections else []:
            line = text.split("\n")[location["start"] - 1]
            assert line[location["startColumn"] - 1 :] == value


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("4111111111111111", {CARD.name: 1}),
        ("4111111111111111 5500005555555559", {CARD.name: 2}),
        ("4111-1111-1111-1111", {CARD.name: 1}),
        ("4111 1111 1111 1111 123", {CARD.name: 1}),
        ("3782 822463 10005", {CARD.name: 1}),
        ("4111-1111 1111-1111", {}),
        ("4111111111111112", {}),
        ("9111111111111111", {}),
        ("0.4111111111111111", {}),
        ("4111111111111111.25", {}),
        ("id4111111111111111", {}),
        ("41111111111111114111111111111111", {}),
        ("٤١١١١١١١١١١١١١١١", {}),
        ("jane.doe+x@mail.example.co.uk", {EMAIL.name: 1}),
        ("<jane@example.com>, joe@example.com.", {EMAIL.name: 2}),
        ("jane@localhost", {}),
        ("@example.com", {}),
        ("a@b@example.com", {}),
        ("219-09-9998", {SSN.name: 1}),
        ("219 09 9998", {SSN.name: 1}),
        ("219099998", {}),
        ("SSN: 219099998", {SSN.name: 1}),
        ("social security 219099998", {SSN.name: 1}),
        ("219-099998", {}),
        ("1219-09-9998", {}),
        ("000-09-9998", {}),
        ("666-09-9998", {}),
        ("900-09-9998", {}),
        ("219-00-9998", {}),
        ("219-09-0000", {}),
        (KEY_ID, {AWS_KEY.name: 1}),
        (f"aws_secret_access_key = {SECRET}", {AWS_KEY.name: 1}),
        (f"aws_access_key_id={KEY_ID} secret key={SECRET}", {AWS_KEY.name: 2}),
        (f"etag {SECRET}", {}),
        (f"secret key {SECRET}A", {}),
        (f"X{KEY_ID}", {}),
        ("", {}),
    ],
)
def test_the_detections_of_a_text_are_counted(text: str, counts: dict[str, int]) -> None:
    assert _counts(text) == counts


def test_only_issued_areas_make_a_social_security_number() -> None:
    areas = {area for area in range(1000) if is_social_security_number(f"{area:03}", "09", "9998")}
    assert areas == {*range(1, 900)} - {666}


def test_a_table_is_located_by_cells_and_column_names() -> None:
    text = f'name,"Secret access key",mail\r\n"Doe, Jane",{SECRET},jane@example.com\r\n'
    detections = _detect(text, "keys/accessKeys.CSV")
    (secret,), (mail,) = detections[AWS_KEY.name].occurrences, detections[EMAIL.name].occurrences
    assert secret == _cell(2, 2, "Secret access key")
    assert mail == _cell(2, 3, "mail")


def _cell(row: int, column: int, name: str) -> dict[str, Any]:
    return {"row": row, "column": column, "columnName": name, "cellReference": None}


def test_a_malformed_table_is_read_as_lines() -> None:
    text = f"4111111111111111\n{'x' * 200_000}"
    (location,) = _detect(text, "a.csv")[CARD.name].occurrences
    assert location == {"start": 1, "end": 1, "startColumn": 1}


def test_all_matches_are_counted_and_fifteen_are_located() -> None:
    detection = _detect("\n".join(["jo@example.com"] * 40))[EMAIL.name]
    assert (detection.count, len(detection.occurrences)) == (40, 15)


@pytest.mark.parametrize(
    ("identifier", "count", "severity"),
    [
        (AWS_KEY, 1, Severity.HIGH),
        (CARD, 1, Severity.HIGH),
        (SSN, 1, Severity.HIGH),
        (EMAIL, 1, Severity.LOW),
        (EMAIL, 2, Severity.MEDIUM),
        (EMAIL, 99, Severity.MEDIUM),
        (EMAIL, 100, Severity.HIGH),
    ],
)
def test_the_severity_follows_macies_documentation(
    identifier: Any, count: int, severity: Severity
) -> None:
    assert Detection(identifier=identifier, count=count).severity is severity
