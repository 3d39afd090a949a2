"""What a finding costs, from the requests that it makes and AWS's prices.

`python -m benchmarks.cost` prints the tables of docs/cost.md. A test counts the requests;
the prices are in prices.json, with their date.
"""

import json
from collections.abc import Mapping
from pathlib import Path

PRICES = json.loads(Path(__file__).with_name("prices.json").read_text())

Units = Mapping[str, float]
"""How many of each unit that has a price in prices.json."""

# An item of up to 3 KB takes three units to write and one to read. The two indexes take as many
# again when what they contain changes: when a record is created, decided and ended.
_WRITE, _READ, _INDEXED = 3, 1, 2 * 3

REQUESTS: Mapping[str, Mapping[str, int]] = {
    "automatic": {
        "dynamodb TransactWriteItems": 1,
        "dynamodb PutItem": 6,
        "dynamodb UpdateItem": 1,
        "dynamodb DeleteItem": 1,
        "dynamodb GetItem": 2,
        "dynamodb BatchGetItem": 1,
        "s3 HeadObject": 3,
        "s3 GetObjectAcl": 1,
        "s3 CopyObject": 1,
        "s3 DeleteObject": 1,
        "sqs SendMessage": 1,
        "invocations": 0,
        "clicks": 0,
    },
    "reviewed": {
        "dynamodb TransactWriteItems": 1,
        "dynamodb PutItem": 7,
        "dynamodb UpdateItem": 1,
        "dynamodb DeleteItem": 1,
        "dynamodb GetItem": 3,
        "dynamodb BatchGetItem": 0,
        "s3 HeadObject": 3,
        "s3 GetObjectAcl": 1,
        "s3 CopyObject": 1,
        "s3 DeleteObject": 1,
        "sqs SendMessage": 0,
        "invocations": 1,
        "clicks": 1,
    },
}
"""The requests of one finding that is in no digest, in a bucket without versioning."""


def of_finding(path: str) -> Units:
    """Return what one finding on `path` uses."""
    requests = REQUESTS[path]
    writes = requests["dynamodb PutItem"] * _WRITE + 3 * _INDEXED
    # A transaction costs twice as much. It writes the record, the primary finding of the object
    # and, if automatic, the counters of both hourly limits.
    writes += 2 * (_WRITE + 1 + 2 * (path == "automatic"))
    writes += requests["dynamodb UpdateItem"] + requests["dynamodb DeleteItem"]
    clicks = requests["clicks"]
    return {
        "lambda invocation": 0.1 + 1 + clicks,
        # A tenth of a batch at 512 MB; the remediator and the click at 1 GB, as measured warm.
        "lambda GB-second, arm64": 0.5 * 0.05 + 1.0 * 0.5 + clicks * 1.0 * 0.03,
        "dynamodb write unit": writes,
        # The batch reads both counters, and whether the object was restored.
        "dynamodb read unit": (
            requests["dynamodb GetItem"] * _READ + 3 * requests["dynamodb BatchGetItem"]
        ),
        "s3 PUT, COPY or LIST": requests["s3 CopyObject"],
        "s3 GET or HEAD": requests["s3 HeadObject"] + requests["s3 GetObjectAcl"],
        # Sending it, and a tenth of receiving and deleting a batch; an automatic remediation is
        # sent, received and deleted once more.
        "sqs request": 1 + 0.2 + 3 * requests["sqs SendMessage"],
        "http api request": clicks,
        # The copy into quarantine and its verification.
        "kms request": 2,
        "cloudwatch logs, GB": 8_000 / 1e9,
    }


def of_month(alarms: int) -> Units:
    """Return what a month without findings uses, with that many alarms."""
    minutes = 30 * 24 * 60
    return {
        # The scheduled tasks run every minute. Lambda polls the three queues with five pollers
        # each, every 20 s.
        "lambda invocation": minutes,
        "lambda GB-second, arm64": minutes * 0.5 * 0.02,
        "dynamodb read unit": minutes * 3,
        "sqs request": minutes * 3 + 3 * 5 * 3 * minutes,
        "secrets manager secret, month": 2,
        "kms key, month": 2,
        "cloudwatch alarm, month": alarms,
        "cloudwatch dashboard, month": 1,
        "cloudwatch logs, GB": minutes * 1_000 / 1e9,
    }


def dollars(units: Units) -> float:
    """Return the price of `units`."""
    return sum(count * float(PRICES[name]) for name, count in units.items())


def tables(alarms: int) -> str:
    """Return the tables of docs/cost.md."""
    lines = ["| | 1,000 findings | 1,000,000 findings |", "|---|---|---|"]
    for path in REQUESTS:
        price = dollars(of_finding(path))
        lines.append(f"| {path} | ${1_000 * price:,.2f} | ${1_000_000 * price:,.0f} |")
    lines += ["", "| of 1,000 findings | automatic | reviewed |", "|---|---|---|"]
    paths = {path: of_finding(path) for path in REQUESTS}
    for name in paths["reviewed"]:
        cells = (f"${1_000 * paths[path][name] * PRICES[name]:.4f}" for path in REQUESTS)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    idle = of_month(alarms)
    lines += ["", "| a month without findings | |", "|---|---|"]
    lines += [f"| {name} | ${count * PRICES[name]:.2f} |" for name, count in idle.items() if count]
    lines.append(f"| **all** | **${dollars(idle):.2f}** |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    print(tables(alarms=ALARMS))


ALARMS = 17
"""How many the stack has."""


if __name__ == "__main__":
    main()
