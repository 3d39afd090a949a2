"""Step 5: what anybody on the internet can reach."""

import json

from aws_cdk.assertions import Template

from tests.stacks.synthesis import only


def test_one_path_and_one_method_can_be_called(template: Template) -> None:
    """API Gateway answers everything else itself, with 404."""
    assert only(template, "AWS::ApiGatewayV2::Route", {})["RouteKey"] == "POST /slack/interactivity"


def test_a_flood_is_throttled_before_it_reaches_the_function(template: Template) -> None:
    """Ten requests a second may pass, and twenty at once."""
    stage = only(template, "AWS::ApiGatewayV2::Stage", {})

    assert stage["DefaultRouteSettings"] == {
        "ThrottlingBurstLimit": 20,
        "ThrottlingRateLimit": 10,
    }


def test_requests_are_logged_without_their_bodies(template: Template) -> None:
    """The log has the caller, the time and the result."""
    settings = only(template, "AWS::ApiGatewayV2::Stage", {})["AccessLogSettings"]

    assert {"sourceIp", "time", "status"} <= set(json.loads(settings["Format"]))
    assert "body" not in settings["Format"].lower()
