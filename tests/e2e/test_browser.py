"""What a person can do on the channel's page, by clicking in it, against the deployed stack."""

import json
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Dialog, expect
from slack_sdk.web import WebClient

from local.macie.fixtures import event_about
from local.sandbox import APPROVER, CHANNEL, SOURCE, Sandbox, wait_for
from local.screenshots.browser import chromium, open_page
from tests.e2e.channel import MAILS, Channel

pytestmark = pytest.mark.e2e

# AWS's own example.
AWS_KEYS = """aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Answer Debian's Chromium."""
    try:
        with chromium() as one:
            yield one
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture
def channel(browser: Browser, deployed: Sandbox) -> Iterator[Channel]:
    with open_page(browser, deployed.slack.url) as page:
        yield Channel(page, deployed)


def test_a_file_of_ones_own_goes_all_the_way_and_back(channel: Channel) -> None:
    key, message = channel.find()
    expect(message).to_contain_text("Sensitive data found: please decide")
    expect(message).to_contain_text("EMAIL_ADDRESS × 2")

    channel.do(message, "Remediate")
    expect(message).to_contain_text("Object quarantined")
    expect(message).to_contain_text("Quarantined by @Ada")
    quarantined = channel.objects("Quarantine bucket").filter(has_text=f"{SOURCE}/{key}")
    expect(quarantined).to_have_count(1)
    expect(channel.objects("Source bucket").filter(has_text=key)).to_have_text(
        [f"{key}delete marker"]
    )

    channel.do(message, "Restore")
    expect(message).to_contain_text("Object restored")
    expect(quarantined).to_have_count(0)
    expect(channel.objects("Source bucket").filter(has_text=key).first).to_have_text(
        f"{key}{len(MAILS)} bytes"
    )
    back = channel.deployed.client("s3").get_object(Bucket=SOURCE, Key=key)
    assert back["Body"].read() == MAILS.encode()
    channel.expect_history("AWAITING REVIEW", "REMEDIATING", "QUARANTINED", "RESTORING", "RESTORED")


@pytest.mark.parametrize("how", ["Cancel", "Close", "Escape"])
def test_who_does_not_agree_has_decided_nothing(channel: Channel, how: str) -> None:
    _, message = channel.find()
    message.get_by_role("button", name="Remediate").click()
    clicks: list[str] = []
    channel.page.on("request", lambda one: clicks.append(one.url))
    if how == "Escape":
        channel.page.keyboard.press("Escape")
    else:
        channel.page.get_by_role("dialog").get_by_role("button", name=how).click()
    expect(channel.page.get_by_role("dialog")).to_have_count(0)
    with channel.page.expect_response("**/state"):
        pass
    assert not [url for url in clicks if url.endswith("/click")]
    channel.expect_history("AWAITING REVIEW")
    expect(message).to_contain_text("please decide")


def test_who_may_not_decide_is_told_privately_who_may(channel: Channel) -> None:
    _, message = channel.find()
    channel.become("Bob")
    private = channel.page.locator("article.private")
    told = private.count()
    channel.do(message, "Remediate")
    expect(private).to_have_count(told + 1)
    expect(private.last).to_contain_text("Only visible to you")
    expect(private.last).to_contain_text("Only approvers may decide: @Ada, @Grace.")
    expect(message).to_contain_text("please decide")
    expect(channel.page.locator("#ledger li.refused")).to_contain_text("@Bob")
    channel.become("Ada")
    expect(private.filter(has_text="Only approvers may decide")).to_have_count(0)


def test_of_two_decisions_the_second_is_told_whose_the_first_was(
    channel: Channel, browser: Browser
) -> None:
    _, message = channel.find()
    with open_page(browser, channel.deployed.slack.url) as page:
        second = Channel(page, channel.deployed)
        second.become("Grace")
        outdated = second.page.locator(f'[data-ts="{message.get_attribute("data-ts")}"]')
        expect(outdated).to_contain_text("please decide")
        second.page.route("**/state", lambda route: route.abort())
        channel.do(message, "Remediate")
        expect(message).to_contain_text("Quarantined by @Ada")
        expect(outdated).to_contain_text("please decide")
        second.do(outdated, "Remediate")
        second.page.unroute("**/state")
        private = second.page.locator("article.private").last
        expect(private).to_contain_text("This was decided by @Ada already")
        expect(outdated).to_contain_text("Quarantined by @Ada")


def test_what_is_configured_as_auto_is_moved_without_a_click(channel: Channel) -> None:
    key, message = channel.find("pan 4111 1111 1111 1111\n", name="card.txt")
    expect(message).to_contain_text("Quarantined automatically")
    quarantined = channel.objects("Quarantine bucket").filter(has_text=key)
    expect(quarantined).to_have_count(1)
    channel.expect_history("REMEDIATING", "QUARANTINED")


def test_a_file_can_be_dropped_and_is_found_once(channel: Channel) -> None:
    key = f"{uuid.uuid4().hex[:8]} dropped.txt"
    dropped = channel.page.evaluate_handle(
        "([key, text]) => { const data = new DataTransfer();"
        " data.items.add(new File([text], key)); return data; }",
        [key, MAILS],
    )
    channel.page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    expect(channel.objects("Source bucket").filter(has_text=key)).to_have_count(1)
    assert "1 finding." in channel.run_job()
    channel.page.get_by_role("button", name="Run Macie job").click()
    expect(channel.page.locator("#notice")).to_have_text("Macie read 0 new objects: 0 findings.")


def test_a_made_up_file_is_found_too(channel: Channel) -> None:
    channel.page.get_by_role("button", name="Add an example file").click()
    expect(channel.page.locator("#notice")).to_contain_text("customers-1.csv is in the bucket")
    channel.run_job()
    message = channel.page.locator("article").filter(has_text="customers-1.csv")
    expect(message).to_contain_text("CREDIT_CARD_NUMBER × 2")


def test_a_click_on_a_message_shows_its_history(channel: Channel) -> None:
    _, first = channel.find()
    _, second = channel.find()
    channel.do(second, "Remediate")
    expect(second).to_contain_text("Object quarantined")
    expect(channel.page.locator("#ledger li")).to_have_count(3)
    first.locator(".header").click()
    expect(channel.page.locator("#ledger li")).to_have_count(1)
    second.get_by_role("button", name="History").focus()
    channel.page.keyboard.press("Enter")
    expect(channel.page.locator("#ledger li")).to_have_count(3)


NASTY = "<img src=x onerror=alert(1)> <!channel> <@U0VISITOR01> *b* `c` &lt;.txt"


def test_a_hostile_name_is_text_and_nothing_else(channel: Channel) -> None:
    alerts: list[str] = []

    def note(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        dialog.dismiss()

    channel.page.on("dialog", note)
    _, message = channel.find(name=NASTY)
    expect(message.locator("code").first).to_contain_text("<img src=x onerror=alert(1)>")
    channel.do(message, "Remediate")
    expect(message).to_contain_text("Object quarantined")
    expect(channel.objects("Quarantine bucket").filter(has_text=NASTY)).to_have_count(1)
    assert channel.page.locator("img").count() == 0
    assert message.locator(".mention").all_inner_texts() == ["@Ada"]
    assert alerts == []


def test_a_phone_shows_all_of_it(browser: Browser, deployed: Sandbox) -> None:
    with open_page(browser, deployed.slack.url, width=360, height=740) as page:
        phone = Channel(page, deployed)
        _, message = phone.find(name=f"{'long' * 40}.txt")
        phone.become("Grace")
        phone.do(message, "Remediate")
        expect(message).to_contain_text("Quarantined by @Grace")
        wide, shown = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= shown


def test_an_app_that_does_not_answer_is_told_of(channel: Channel) -> None:
    _, message = channel.find()
    answering = channel.deployed.slack.request_url
    channel.deployed.slack.request_url = f"{channel.deployed.emulator.endpoint}/nowhere/"
    try:
        channel.do(message, "Remediate")
        expect(channel.page.locator("#notice")).to_contain_text("⚠ The app responded")
    finally:
        channel.deployed.slack.request_url = answering
    expect(message).to_contain_text("please decide")


def test_a_finding_is_dismissed_for_a_reason_and_reopened(channel: Channel) -> None:
    key, message = channel.find()
    reasons = message.get_by_role("combobox")
    offered = reasons.locator("option:not([hidden])").all_inner_texts()
    assert offered == ["False positive", "Accepted risk", "Handled elsewhere"]

    reasons.select_option("Accepted risk")
    channel.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(reasons).to_have_value("")
    reasons.select_option("Accepted risk")
    channel.page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    expect(message).to_contain_text("Finding dismissed")
    expect(message).to_contain_text("Dismissed by @Ada")
    expect(message).to_contain_text("accepted risk")

    channel.do(message, "Reopen")
    expect(message).to_contain_text("Reopened by @Ada")
    channel.expect_history("AWAITING REVIEW", "DISMISSED", "AWAITING REVIEW")
    expect(channel.objects("Source bucket").filter(has_text=key)).to_have_count(1)


def test_what_failed_is_tried_again_once_its_cause_is_gone(channel: Channel) -> None:
    key, message = channel.find()
    channel.do(message, "Remediate")
    expect(message).to_contain_text("Object quarantined")
    s3 = channel.deployed.client("s3")
    another = s3.put_object(Bucket=SOURCE, Key=key, Body=b"another")["VersionId"]
    channel.do(message, "Restore")
    expect(message).to_contain_text("Restore failed")
    expect(message).to_contain_text("Another object has this name now")

    s3.delete_object(Bucket=SOURCE, Key=key, VersionId=another)
    channel.do(message, "Retry")
    expect(message).to_contain_text("Object restored")
    assert s3.get_object(Bucket=SOURCE, Key=key)["Body"].read() == MAILS.encode()


def test_another_finding_on_the_object_is_told_in_the_same_message(channel: Channel) -> None:
    key, message = channel.find()
    s3 = channel.deployed.client("s3")
    more = event_about(s3, fixture="custom-identifier-low-kms", bucket=SOURCE, key=key)
    channel.deployed.deliver(more)
    expect(message).to_contain_text("Also found in this object")
    expect(message).to_contain_text("SensitiveData:S3Object/CustomIdentifier")
    about = channel.page.locator("article.message[data-finding]").filter(has_text=key[:8])
    expect(about).to_have_count(1)


@pytest.fixture
def dry_run(deployed: Sandbox) -> Iterator[None]:
    """Deploy the remediator with the mode DRY_RUN, for one test."""
    with deployed.setting("mode", "DRY_RUN"):
        yield


@pytest.mark.usefixtures("dry_run")
def test_a_dry_run_moves_nothing_and_tells_what_it_would_have_moved(channel: Channel) -> None:
    key, message = channel.find()
    channel.do(message, "Remediate")
    expect(message).to_contain_text("Dry run: nothing was moved")
    expect(message).to_contain_text("The object, 42 bytes, would have been moved into quarantine.")
    expect(channel.objects("Source bucket").filter(has_text=key)).to_have_count(1)
    expect(channel.objects("Quarantine bucket").filter(has_text=key)).to_have_count(0)
    channel.expect_history("AWAITING REVIEW", "REMEDIATING", "DRY RUN")


def test_a_reply_in_the_thread_stands_under_its_message(channel: Channel) -> None:
    _, first = channel.find()
    _, second = channel.find()
    token = _bot_token(channel.deployed)
    slack = WebClient(token, base_url=channel.deployed.slack.api_url)
    parent = str(first.get_attribute("data-ts"))
    slack.chat_postMessage(channel=CHANNEL, thread_ts=parent, text=f"⏰ <@{APPROVER}>: this waits")
    reply = channel.page.locator("article.reply").filter(has_text="⏰ @Ada: this waits")
    expect(reply).to_have_count(1)
    expect(first.locator("xpath=following-sibling::article[1]")).to_contain_text("this waits")
    expect(second).to_contain_text("please decide")


def _bot_token(deployed: Sandbox) -> str:
    secret = deployed.client("secretsmanager").get_secret_value(
        SecretId=deployed.outputs.slack_secret
    )
    token: str = json.loads(secret["SecretString"])["botToken"]
    return token


def test_too_many_findings_are_decided_by_one_click(channel: Channel) -> None:
    deployed = channel.deployed
    keys = [channel.put(AWS_KEYS, name=f"deploy-{number}.log") for number in range(4)]
    with deployed.setting("digestThreshold", 0):
        channel.run_job()
        deployed.tick()
        digest = channel.page.locator("article.message").filter(has_text="4 findings")
        _wait_ticking(deployed, lambda: digest.count() > 0)
    expect(digest).to_contain_text("4 waiting for a decision")
    digest.get_by_role("button", name="Remediate all").click()
    channel.page.get_by_role("dialog").get_by_role("button", name="Remediate all").click()
    _wait_ticking(deployed, lambda: "4 of 4 quarantined" in digest.inner_text())
    expect(digest.get_by_role("button", name="Restore all")).to_be_visible()
    for key in keys:
        expect(channel.objects("Quarantine bucket").filter(has_text=key)).to_have_count(1)


def _wait_ticking(deployed: Sandbox, what: Callable[[], bool]) -> None:
    """Wait while minutes pass, as far as the functions can tell."""

    def is_so() -> bool:
        deployed.tick()
        time.sleep(1)
        return what()

    wait_for(is_so)
