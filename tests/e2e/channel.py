"""The channel's page as a person uses it."""

import re
import uuid
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from local.sandbox import Sandbox

MAILS = "jane.doe@example.com\njohn.roe@example.com\n"

# A click goes through API Gateway and two functions before its outcome is seen.
expect.set_options(timeout=120_000)


@dataclass(frozen=True)
class Channel:
    """The page, as a person uses it."""

    page: Page
    deployed: Sandbox

    def become(self, name: str) -> None:
        """Be somebody else."""
        self.page.get_by_role("radio", name=name).check(force=True)

    def put(self, text: str = MAILS, *, name: str = "mails.txt") -> str:
        """Put a file of one's own into the source bucket; answer its key there."""
        key = f"{uuid.uuid4().hex[:8]} {name}"
        file = {"name": key, "mimeType": "text/plain", "buffer": text.encode()}
        self.page.locator("#files").set_input_files(file)  # type: ignore[arg-type]
        expect(self.page.locator("#notice")).to_contain_text(f"{key} is in the bucket")
        return key

    def run_job(self) -> str:
        """Run the Macie job; answer what is told of it."""
        self.page.get_by_role("button", name="Run Macie job").click()
        told = self.page.locator("#notice")
        expect(told).to_have_text(re.compile(r"Macie read \d+ new objects?: \d+ findings?\."))
        return told.inner_text()

    def find(self, text: str = MAILS, *, name: str = "mails.txt") -> tuple[str, Locator]:
        """Put a file and have Macie find it; answer its key, and its message."""
        key = self.put(text, name=name)
        self.run_job()
        message = self.page.locator("article.message[data-finding]").filter(has_text=key[:8])
        message.locator(".header").click()
        return key, message

    def do(self, message: Locator, action: str) -> None:
        """Click a button of a message, and agree."""
        message.get_by_role("button", name=action).click()
        self.page.get_by_role("dialog").get_by_role("button", name=action).click()

    def expect_history(self, *steps: str) -> None:
        """Wait until the ledger shows these steps of the finding that is shown."""
        expect(self.page.locator("#ledger li .status")).to_have_text(steps)

    def objects(self, bucket: str) -> Locator:
        """Answer what the panel lists of a bucket, by its title."""
        heading = self.page.locator("#buckets h2").filter(has_text=bucket)
        return heading.locator("xpath=following-sibling::ul[1]/li")
