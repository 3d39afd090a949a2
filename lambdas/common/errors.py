"""Failures that are expected."""

from datetime import timedelta


class ChatOpsError(Exception):
    """Superclass of the expected failures, never raised itself."""


class MalformedFindingError(ChatOpsError):
    """An event from which no finding can be read; it ends in the dead-letter queue."""


class UnsupportedFindingError(ChatOpsError):
    """A finding that is not about sensitive data in an object; it is none of our business."""


class FailedMoveError(ChatOpsError):
    """The object could not be moved; it is still where it was.

    Args:
        problem: what S3 refused, one sentence.
        advice: what an approver can do before pressing Retry, one sentence.
    """

    def __init__(self, problem: str, *, advice: str) -> None:
        super().__init__(problem)
        self.advice = advice


class BusyError(ChatOpsError):
    """Another invocation has the same object or message in hand; trying again later is right."""


class SlackError(ChatOpsError):
    """Slack did not take a message; delivering it again later is right.

    Args:
        problem: what Slack answered, or that it did not.
        retry_after: how long Slack wants to be left alone.
        is_refusal: whether Slack surely did nothing.
    """

    def __init__(self, problem: str, *, retry_after: timedelta, is_refusal: bool) -> None:
        super().__init__(problem)
        self.retry_after = retry_after
        self.is_refusal = is_refusal
