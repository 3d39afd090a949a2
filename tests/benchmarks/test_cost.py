"""The page on costs is computed from the requests that a finding really makes."""

from collections import Counter

import pytest
from botocore.model import OperationModel

from benchmarks import cost
from tests.harness.aws import AUTO, REVIEW
from tests.harness.harness import start_harness
from tests.stacks import synthesis

PATHS = [("automatic", AUTO), ("reviewed", REVIEW)]


@pytest.mark.parametrize(("path", "finding_type"), PATHS)
def test_a_finding_makes_these_requests(path: str, finding_type: str) -> None:
    requests: Counter[str] = Counter()

    def count(model: OperationModel, **_: object) -> None:
        requests[f"{model.service_model.service_name} {model.name}"] += 1

    with start_harness(auto_remediation_hourly_limit=100, digest_threshold=30) as harness:
        harness.register("before-call", count)
        assert harness.deliver(harness.report_object(finding_type)) == []
        if path == "reviewed":
            assert harness.click() == 200
            requests["clicks"] += 1
        requests["invocations"] += len(harness.invocations)
        harness.run_remediator()
    # A function that stays warm reads the secret once in some minutes.
    del requests["secretsmanager GetSecretValue"]
    assert +requests == {name: count for name, count in cost.REQUESTS[path].items() if count}


def test_the_page_has_the_tables_as_they_are_computed() -> None:
    page = (synthesis.ROOT / "docs" / "cost.md").read_text()
    assert cost.tables(alarms=cost.ALARMS) in page
    assert cost.PRICES["as of"] in page


def test_the_stack_has_as_many_alarms_and_keys() -> None:
    template = synthesis.template()
    assert len(template.find_resources("AWS::CloudWatch::Alarm")) == cost.ALARMS
    assert len(template.find_resources("AWS::KMS::Key")) == cost.of_month(0)["kms key, month"]


def test_everything_has_a_price() -> None:
    for units in (cost.of_finding("automatic"), cost.of_finding("reviewed"), cost.of_month(1)):
        assert cost.dollars(units) > 0
