"""Issued numbers: which digits may be a payment card's, or a social security number."""

# Lowest and highest prefix, and the lengths; https://en.wikipedia.org/wiki/Payment_card_number.
ISSUERS = (
    ("Visa", "4", "4", {13, 16, 19}),
    ("Mastercard", "51", "55", {16}),
    ("Mastercard", "2221", "2720", {16}),
    ("American Express", "34", "34", {15}),
    ("American Express", "37", "37", {15}),
    ("Diners Club", "300", "305", {14}),
    ("Diners Club", "36", "36", {14}),
    ("Diners Club", "38", "39", {14}),
    ("Discover", "6011", "6011", {16, 19}),
    ("Discover", "644", "649", {16, 19}),
    ("Discover", "65", "65", {16, 19}),
    ("JCB", "3528", "3589", {16}),
    ("UnionPay", "62", "62", {16, 17, 18, 19}),
    ("Dankort", "5019", "5019", {16}),
)
"""The issuers whose cards Macie detects."""


def is_card_number(digits: str) -> bool:
    """Return whether prefix and length are an issuer's, and the check digit is right."""
    return passes_luhn(digits) and any(
        lowest <= digits[: len(lowest)] <= highest and len(digits) in lengths
        for _, lowest, highest, lengths in ISSUERS
    )


def passes_luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit of the digits before it.

    Source: ISO/IEC 7812-1, annex B
    """
    return _luhn_sum(digits) % 10 == 0


def check_digit(digits: str) -> str:
    """Return the check digit to append to `digits`."""
    return str(-_luhn_sum(f"{digits}0") % 10)


def _luhn_sum(digits: str) -> int:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return sum(map(int, digits[-1::-2])) + sum(doubled)


def is_social_security_number(area: str, group: str, serial: str) -> bool:
    """Return whether the three parts may be issued.

    Source: https://www.ssa.gov/employer/randomization.html
    """
    is_area = area not in {"000", "666"} and area < "900"
    return is_area and group != "00" and serial != "0000"
