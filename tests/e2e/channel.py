"""The channel's page as a person uses it."""

import re
import uuid
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from local.sandbox import Sandbox

EMAILS = "jane.doe@example.com\njohn.roe@example.com\n"

# A click goes through API Gateway and two functions before its outcome is visible.
expect.set_options(timeout=120_000)


@dataclass(frozen=True)
class Channel:
    """The channel's page, and what a person does on it."""

    page: Page
    sandbox: Sandbox

    def switch_user(self, name: str) -> None:
        """Continue as the user with this name."""
        self.page.get_by_role("radio", name=name).check(force=True)

    def upload(self, text: str = EMAILS, *, name: str = "emails.txt") -> str:
        """Upload a file into the source bucket. Return its key."""
        key = f"{uuid.uuid4().hex[:8]} {name}"
        file = {"name": key, "mimeType": "text/plain", "buffer": text.encode()}
        self.page.locator("#files").set_input_files(file)  # type: ignore[arg-type]
        expect(self.page.locator("#notice")).to_contain_text(f"{key} is in the bucket")
        return key

    def run_job(self) -> str:
        """Run the Macie job. Return the notice about its result."""
        self.page.get_by_role("button", name="Run Macie job").click()
        notice = self.page.locator("#notice")
        expect(notice).to_have_text(re.compile(r"Macie read \d+ new objects?: \d+ findings?\."))
        return notice.inner_text()

    def create_finding(
        self, text: str = EMAILS, *, name: str = "emails.txt"
    ) -> tuple[str, Locator]:
        """Upload a file and run the Macie job. Return the file's key and the finding's message."""
        key = self.upload(text, name=name)
        self.run_job()
        message = self.page.locator("article.message[data-finding]").filter(has_text=key[:8])
        message.locator(".header").click()
        return key, message

    def click(self, message: Locator, action: str) -> None:
        """Click a button of a message, and confirm."""
        message.get_by_role("button", name=action).click()
        self.page.get_by_role("dialog").get_by_role("button", name=action).click()

    def expect_history(self, *statuses: str) -> None:
        """Wait until the ledger shows these statuses of the selected finding."""
        expect(self.page.locator("#ledger li .status")).to_have_text(statuses)

    def objects(self, bucket: str) -> Locator:
        """Return the panel's list of the objects in a bucket, which is named by its title."""
        heading = self.page.locator("#buckets h2").filter(has_text=bucket)
        return heading.locator("xpath=following-sibling::ul[1]/li")
