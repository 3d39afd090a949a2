"""What a person can do on the channel's page, by clicking on it, against the deployed stack."""

import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Dialog, expect
from slack_sdk.web import WebClient

from local.macie.fixtures import event_about
from local.sandbox import APPROVER, CHANNEL, SOURCE, Sandbox, wait_for
from local.screenshots.browser import chromium, open_page
from tests.e2e.channel import EMAILS, Channel

pytestmark = pytest.mark.e2e

# AWS's own example.
AWS_KEYS = """aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium."""
    try:
        with chromium() as running:
            yield running
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture
def channel(browser: Browser, sandbox: Sandbox) -> Iterator[Channel]:
    with open_page(browser, sandbox.slack.url) as page:
        yield Channel(page, sandbox)


def test_an_uploaded_file_is_quarantined_and_restored(channel: Channel) -> None:
    key, message = channel.create_finding()
    expect(message).to_contain_text("Sensitive data found: please decide")
    expect(message).to_contain_text("EMAIL_ADDRESS × 2")

    channel.click(message, "Remediate")
    expect(message).to_contain_text("Object quarantined")
    expect(message).to_contain_text("Quarantined by @Ada")
    quarantined = channel.objects("Quarantine bucket").filter(has_text=f"{SOURCE}/{key}")
    expect(quarantined).to_have_count(1)
    expect(channel.objects("Source bucket").filter(has_text=key)).to_have_text(
        [f"{key}delete marker"]
    )

    channel.click(message, "Restore")
    expect(message).to_contain_text("Object restored")
    expect(message).to_contain_text("The copy is kept in quarantine until")
    expect(quarantined).to_have_count(1)
    expect(channel.objects("Source bucket").filter(has_text=key).first).to_have_text(
        f"{key}{len(EMAILS)} bytes"
    )
    restored = channel.sandbox.client("s3").get_object(Bucket=SOURCE, Key=key)
    assert restored["Body"].read() == EMAILS.encode()
    channel.expect_history("AWAITING REVIEW", "REMEDIATING", "QUARANTINED", "RESTORING", "RESTORED")


@pytest.mark.parametrize("way", ["Cancel", "Close", "Escape"])
def test_a_decision_that_is_not_confirmed_changes_nothing(channel: Channel, way: str) -> None:
    _, message = channel.create_finding()
    message.get_by_role("button", name="Remediate").click()
    urls: list[str] = []
    channel.page.on("request", lambda request: urls.append(request.url))
    if way == "Escape":
        channel.page.keyboard.press("Escape")
    else:
        channel.page.get_by_role("dialog").get_by_role("button", name=way).click()
    expect(channel.page.get_by_role("dialog")).to_have_count(0)
    with channel.page.expect_response("**/state"):
        pass
    assert not [url for url in urls if url.endswith("/click")]
    channel.expect_history("AWAITING REVIEW")
    expect(message).to_contain_text("please decide")


def test_a_visitor_who_clicks_gets_a_private_reply(channel: Channel) -> None:
    _, message = channel.create_finding()
    channel.switch_user("Bob")
    private = channel.page.locator("article.private")
    count = private.count()
    channel.click(message, "Remediate")
    expect(private).to_have_count(count + 1)
    expect(private.last).to_contain_text("Only visible to you")
    expect(private.last).to_contain_text("Only approvers may decide: @Ada, @Grace.")
    expect(message).to_contain_text("please decide")
    expect(channel.page.locator("#ledger li.refused")).to_contain_text("@Bob")
    channel.switch_user("Ada")
    expect(private.filter(has_text="Only approvers may decide")).to_have_count(0)


def test_a_second_decision_gets_a_private_reply_that_names_the_first_approver(
    channel: Channel, browser: Browser
) -> None:
    _, message = channel.create_finding()
    with open_page(browser, channel.sandbox.slack.url) as page:
        second = Channel(page, channel.sandbox)
        second.switch_user("Grace")
        outdated = second.page.locator(f'[data-ts="{message.get_attribute("data-ts")}"]')
        expect(outdated).to_contain_text("please decide")
        second.page.route("**/state", lambda route: route.abort())
        channel.click(message, "Remediate")
        expect(message).to_contain_text("Quarantined by @Ada")
        expect(outdated).to_contain_text("please decide")
        second.click(outdated, "Remediate")
        second.page.unroute("**/state")
        private = second.page.locator("article.private").last
        expect(private).to_contain_text("This was decided by @Ada already")
        expect(outdated).to_contain_text("Quarantined by @Ada")


def test_a_finding_of_an_auto_type_is_quarantined_without_a_click(channel: Channel) -> None:
    key, message = channel.create_finding("pan 4111 1111 1111 1111\n", name="card.txt")
    expect(message).to_contain_text("Quarantined automatically")
    quarantined = channel.objects("Quarantine bucket").filter(has_text=key)
    expect(quarantined).to_have_count(1)
    channel.expect_history("REMEDIATING", "QUARANTINED")


def test_a_dropped_file_is_uploaded_and_found_once(channel: Channel) -> None:
    key = f"{uuid.uuid4().hex[:8]} dropped.txt"
    data = channel.page.evaluate_handle(
        "([key, text]) => { const data = new DataTransfer();"
        " data.items.add(new File([text], key)); return data; }",
        [key, EMAILS],
    )
    channel.page.dispatch_event("#drop", "drop", {"dataTransfer": data})
    expect(channel.objects("Source bucket").filter(has_text=key)).to_have_count(1)
    assert "1 finding." in channel.run_job()
    channel.page.get_by_role("button", name="Run Macie job").click()
    expect(channel.page.locator("#notice")).to_have_text("Macie read 0 new objects: 0 findings.")


def test_an_example_file_is_found(channel: Channel) -> None:
    channel.page.get_by_role("button", name="Add an example file").click()
    expect(channel.page.locator("#notice")).to_contain_text("customers-1.csv is in the bucket")
    channel.run_job()
    message = channel.page.locator("article").filter(has_text="customers-1.csv")
    expect(message).to_contain_text("CREDIT_CARD_NUMBER × 2")


def test_a_click_on_a_message_shows_its_history(channel: Channel) -> None:
    _, first = channel.create_finding()
    _, second = channel.create_finding()
    channel.click(second, "Remediate")
    expect(second).to_contain_text("Object quarantined")
    expect(channel.page.locator("#ledger li")).to_have_count(3)
    first.locator(".header").click()
    expect(channel.page.locator("#ledger li")).to_have_count(1)
    second.get_by_role("button", name="History").focus()
    channel.page.keyboard.press("Enter")
    expect(channel.page.locator("#ledger li")).to_have_count(3)


HOSTILE_NAME = "<img src=x onerror=alert(1)> <!channel> <@U0VISITOR01> *b* `c` &lt;.txt"


def test_a_hostile_name_is_shown_as_plain_text(channel: Channel) -> None:
    alerts: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        dialog.dismiss()

    channel.page.on("dialog", dismiss)
    _, message = channel.create_finding(name=HOSTILE_NAME)
    expect(message.locator("code").first).to_contain_text("<img src=x onerror=alert(1)>")
    channel.click(message, "Remediate")
    expect(message).to_contain_text("Object quarantined")
    expect(channel.objects("Quarantine bucket").filter(has_text=HOSTILE_NAME)).to_have_count(1)
    assert channel.page.locator("img").count() == 0
    assert message.locator(".mention").all_inner_texts() == ["@Ada"]
    assert alerts == []


def test_the_page_fits_the_width_of_a_phone(browser: Browser, sandbox: Sandbox) -> None:
    with open_page(browser, sandbox.slack.url, width=360, height=740) as page:
        phone = Channel(page, sandbox)
        _, message = phone.create_finding(name=f"{'long' * 40}.txt")
        phone.switch_user("Grace")
        phone.click(message, "Remediate")
        expect(message).to_contain_text("Quarantined by @Grace")
        content, screen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert content <= screen


def test_the_page_reports_an_app_that_does_not_respond(channel: Channel) -> None:
    _, message = channel.create_finding()
    request_url = channel.sandbox.slack.request_url
    channel.sandbox.slack.request_url = f"{channel.sandbox.emulator.endpoint}/nowhere/"
    try:
        channel.click(message, "Remediate")
        expect(channel.page.locator("#notice")).to_contain_text("⚠ The app responded")
    finally:
        channel.sandbox.slack.request_url = request_url
    expect(message).to_contain_text("please decide")


def test_a_finding_is_dismissed_for_a_reason_and_reopened(channel: Channel) -> None:
    key, message = channel.create_finding()
    reasons = message.get_by_role("combobox")
    options = reasons.locator("option:not([hidden])").all_inner_texts()
    assert options == ["False positive", "Accepted risk", "Handled elsewhere"]

    reasons.select_option("Accepted risk")
    channel.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(reasons).to_have_value("")
    reasons.select_option("Accepted risk")
    channel.page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    expect(message).to_contain_text("Finding dismissed")
    expect(message).to_contain_text("Dismissed by @Ada")
    expect(message).to_contain_text("accepted risk")

    channel.click(message, "Reopen")
    expect(message).to_contain_text("Reopened by @Ada")
    channel.expect_history("AWAITING REVIEW", "DISMISSED", "AWAITING REVIEW")
    expect(channel.objects("Source bucket").filter(has_text=key)).to_have_count(1)


def test_a_failed_restore_is_retried_after_its_cause_is_removed(channel: Channel) -> None:
    key, message = channel.create_finding()
    channel.click(message, "Remediate")
    expect(message).to_contain_text("Object quarantined")
    s3 = channel.sandbox.client("s3")
    obstacle = s3.put_object(Bucket=SOURCE, Key=key, Body=b"another")["VersionId"]
    channel.click(message, "Restore")
    expect(message).to_contain_text("Restore failed")
    expect(message).to_contain_text("Another object has this name now")

    s3.delete_object(Bucket=SOURCE, Key=key, VersionId=obstacle)
    channel.click(message, "Retry")
    expect(message).to_contain_text("Object restored")
    assert s3.get_object(Bucket=SOURCE, Key=key)["Body"].read() == EMAILS.encode()


def test_a_duplicate_finding_is_shown_in_the_first_message(channel: Channel) -> None:
    key, message = channel.create_finding()
    s3 = channel.sandbox.client("s3")
    duplicate = event_about(s3, fixture="custom-identifier-low-kms", bucket=SOURCE, key=key)
    channel.sandbox.deliver(duplicate)
    expect(message).to_contain_text("Also found in this object")
    expect(message).to_contain_text("SensitiveData:S3Object/CustomIdentifier")
    messages = channel.page.locator("article.message[data-finding]").filter(has_text=key[:8])
    expect(messages).to_have_count(1)


@pytest.fixture
def dry_run(sandbox: Sandbox) -> Iterator[None]:
    """Set the remediator's mode to DRY_RUN for one test."""
    with sandbox.setting("mode", "DRY_RUN"):
        yield


@pytest.mark.usefixtures("dry_run")
def test_a_dry_run_moves_nothing_and_reports_what_it_would_have_moved(channel: Channel) -> None:
    key, message = channel.create_finding()
    channel.click(message, "Remediate")
    expect(message).to_contain_text("Dry run: nothing was moved")
    expect(message).to_contain_text("The object, 42 bytes, would have been moved into quarantine.")
    expect(channel.objects("Source bucket").filter(has_text=key)).to_have_count(1)
    expect(channel.objects("Quarantine bucket").filter(has_text=key)).to_have_count(0)
    channel.expect_history("AWAITING REVIEW", "REMEDIATING", "DRY RUN")


def test_a_reply_in_a_thread_is_shown_under_its_message(channel: Channel) -> None:
    _, first = channel.create_finding()
    _, second = channel.create_finding()
    token = _bot_token(channel.sandbox)
    slack = WebClient(token, base_url=channel.sandbox.slack.api_url)
    parent = str(first.get_attribute("data-ts"))
    slack.chat_postMessage(channel=CHANNEL, thread_ts=parent, text=f"⏰ <@{APPROVER}>: this waits")
    reply = channel.page.locator("article.reply").filter(has_text="⏰ @Ada: this waits")
    expect(reply).to_have_count(1)
    expect(first.locator("xpath=following-sibling::article[1]")).to_contain_text("this waits")
    expect(second).to_contain_text("please decide")


def _bot_token(sandbox: Sandbox) -> str:
    return sandbox.secret(sandbox.outputs.slack_bot_token)["botToken"]


def test_one_click_decides_all_findings_of_a_digest(channel: Channel) -> None:
    sandbox = channel.sandbox
    keys = [channel.upload(AWS_KEYS, name=f"deploy-{number}.log") for number in range(4)]
    with sandbox.setting("digestThreshold", 0):
        channel.run_job()
        sandbox.tick()
        digest = channel.page.locator("article.message").filter(has_text="4 findings")
        _tick_until(sandbox, lambda: digest.count() > 0)
    expect(digest).to_contain_text("4 waiting for a decision")
    digest.get_by_role("button", name="Remediate all").click()
    channel.page.get_by_role("dialog").get_by_role("button", name="Remediate all").click()
    _tick_until(sandbox, lambda: "4 of 4 quarantined" in digest.inner_text())
    expect(digest.get_by_role("button", name="Restore all")).to_be_visible()
    for key in keys:
        expect(channel.objects("Quarantine bucket").filter(has_text=key)).to_have_count(1)


def _tick_until(sandbox: Sandbox, condition: Callable[[], bool]) -> None:
    """Run the scheduled tasks every second until `condition()` is true."""

    def tick() -> bool:
        sandbox.tick()
        time.sleep(1)
        return condition()

    wait_for(tick)
