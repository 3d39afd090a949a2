"""What a function tells the people who run it: a log line and metrics for all that matters."""

from contextlib import AbstractContextManager

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from lambdas.common import audit, measures
from lambdas.common.digest import Digest, Order
from lambdas.common.errors import SlackError
from lambdas.common.measures import Measure
from lambdas.common.record import Record


class Witness:
    """Sees what happens, and writes it to the function's log, metrics included.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html

    Args:
        logger: of the function.
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def about(self, subject: str) -> AbstractContextManager[None]:
        """Name a finding or digest on each line that is written meanwhile."""
        return self._logger.append_context_keys(finding_id=subject)

    def step(self, record: Record) -> None:
        """See the latest step of `record`, just written down."""
        self._logger.info(
            "step", extra={"finding_id": record.finding.id, "audit": audit.line(record)}
        )
        for measure in measures.of_step(record):
            _emit(measure)

    def order(self, digest: Digest, order: Order, *, is_refused: bool) -> None:
        """See what somebody decided about all findings of `digest`, or may not decide."""
        line = audit.order_line(digest, order, is_refused=is_refused)
        self._logger.info("order", extra={"audit": line})
        if is_refused:
            _emit(measures.REFUSED_CLICK)

    def slack_refused(self, error: SlackError) -> None:
        """See that Slack did not take something, which is told later."""
        self._logger.warning("Slack did not take it", extra={"reason": str(error)})
        _emit(Measure(name=measures.SLACK_REFUSALS, value=1, unit="Count"))


def _emit(measure: Measure) -> None:
    with single_metric(
        name=measure.name, unit=MetricUnit(measure.unit), value=measure.value
    ) as metric:
        for name, value in measure.dimensions:
            metric.add_dimension(name=name, value=value)
