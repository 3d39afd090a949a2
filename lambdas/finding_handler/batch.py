"""A batch from a queue: each event by itself, and what fails is delivered again."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.common.errors import BusyError


class NothingTakenError(Exception):
    """All of a batch failed, each of it for a reason that the log has told."""


def take_each(
    records: Iterable[Mapping[str, Any]], take: Callable[[str], None], logger: Logger
) -> dict[str, Any]:
    """Have `take` handle the body of each record; answer SQS which are to be delivered again.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html

    Raises:
        NothingTakenError: all failed. Lambda counts no error where some of a batch are given back,
            and without one its alarm would never tell anybody.
    """
    told = [(record["messageId"], _failure(record["body"], take, logger)) for record in records]
    failures = {message_id: error for message_id, error in told if error is not None}
    if len(failures) == len(told) and not all(map(_is_expected, failures.values())):
        raise NothingTakenError(f"none of {len(told)} was taken, all are to be delivered again")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}


def _failure(body: str, take: Callable[[str], None], logger: Logger) -> Exception | None:
    try:
        take(body)
    except Exception as error:  # the queue delivers it again, and at last to the dead-letter queue
        logger.exception("not taken, to be delivered again")
        return error
    finally:
        logger.remove_keys(["finding_id"])
    return None


def _is_expected(error: Exception) -> bool:
    return isinstance(error, BusyError)
