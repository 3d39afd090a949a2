"""Step 5: what strangers can reach."""

import json

from aws_cdk.assertions import Template

from tests.stacks.synthesis import only


def test_one_path_and_one_method_can_be_called(template: Template) -> None:
    """Everything else is not found before any code of ours runs."""
    assert only(template, "AWS::ApiGatewayV2::Route", {})["RouteKey"] == "POST /slack/interactivity"


def test_a_flood_is_turned_away_before_it_reaches_the_function(template: Template) -> None:
    """Ten requests a second, and a few more at once."""
    stage = only(template, "AWS::ApiGatewayV2::Stage", {})

    assert stage["DefaultRouteSettings"] == {
        "ThrottlingBurstLimit": 20,
        "ThrottlingRateLimit": 10,
    }


def test_accesses_are_logged_without_what_was_said(template: Template) -> None:
    """Who called, when, and what came of it."""
    settings = only(template, "AWS::ApiGatewayV2::Stage", {})["AccessLogSettings"]

    assert {"sourceIp", "time", "status"} <= set(json.loads(settings["Format"]))
    assert "body" not in settings["Format"].lower()
