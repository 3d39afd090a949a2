"""The cost page says what the requests cost that a finding really makes."""

from collections import Counter

import pytest

from benchmarks import cost
from tests.lambdas.deployment import AUTO, REVIEW, deployed
from tests.stacks import synthesis

PATHS = [("automatic", AUTO), ("reviewed", REVIEW)]


@pytest.mark.parametrize(("path", "kind"), PATHS)
def test_a_finding_makes_these_requests(path: str, kind: str) -> None:
    with deployed(AUTO_REMEDIATION_HOURLY_LIMIT="100", DIGEST_THRESHOLD="30") as here:
        made: Counter[str] = Counter()

        def count(model: object, **_: object) -> None:
            service = model.service_model.service_name  # type: ignore[attr-defined] # botocore's
            made[f"{service} {model.name}"] += 1  # type: ignore[attr-defined] # botocore's

        here.session.register("before-call", count)
        here.restart()
        here.deliver(here.put(kind))
        if path == "reviewed":
            assert here.click() == 200
            made["clicks"] += 1
        made["invocations"] += len(here.invocations)
        here.remediate()
    # A function that stays warm reads the secret once in five minutes.
    del made["secretsmanager GetSecretValue"]
    assert dict(made) == {name: count for name, count in cost.REQUESTS[path].items() if count}


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
