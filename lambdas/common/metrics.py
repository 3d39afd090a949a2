"""CloudWatch metrics, written to the function's log in the embedded metric format.

The namespace is the stack's name. stacks/dashboard.py draws the metrics.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
"""

from aws_lambda_powertools.metrics import MetricUnit, single_metric


def emit_metric(name: str, value: float = 1, unit: str = "Count", **dimensions: str) -> None:
    """Emit one value of a metric; `unit` is CloudWatch's, such as Count or Seconds."""
    with single_metric(name=name, unit=MetricUnit(unit), value=value) as metric:
        for dimension, text in dimensions.items():
            metric.add_dimension(name=dimension, value=text)
