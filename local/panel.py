"""What stands beside the channel on the page: both buckets, the ledger, files to drop, the job."""

from collections.abc import Callable, Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from local.macie.job import MacieJob
from local.slack.server import Request
from local.slack.workspace import Answer


class SandboxPanel:
    """Shows the sandbox to its user, and lets them put files in.

    Args:
        s3: an S3 client.
        source: the bucket that files are put into.
        quarantine: the bucket that objects are moved to.
        read_record: reads a finding's item in the ledger, in DynamoDB's JSON, or None.
        job: the Macie job.
    """

    def __init__(
        self,
        s3: Any,
        *,
        source: str,
        quarantine: str,
        read_record: Callable[[str], Mapping[str, Any] | None],
        job: MacieJob,
    ) -> None:
        self._s3 = s3
        self._source, self._quarantine = source, quarantine
        self._read_record = read_record
        self._job = job

    def answer(self, request: Request) -> Answer | None:
        """Answer a request for a path below /panel/, or None for what is not there.

        Raises:
            ValueError: AWS refuses, or does not answer any more.
        """
        try:
            return self._answer(request)
        except ClientError as error:
            raise ValueError(error.response["Error"]["Message"]) from error
        except BotoCoreError as error:
            raise ValueError(str(error)) from error

    def _answer(self, request: Request) -> Answer | None:
        match request.method, request.path:
            case "GET", "/panel/state":
                return Answer(status=200, body=self._state(request.query.get("finding")))
            case "POST", "/panel/upload":
                return self._upload(request)
            case "POST", "/panel/job":
                return Answer(status=200, body=vars(self._job.run()))
            case _:
                return None

    def _state(self, finding_id: str | None) -> dict[str, Any]:
        buckets = {"Source bucket": self._source, "Quarantine bucket": self._quarantine}
        return {
            "buckets": [
                {"title": title, "name": name, "versions": self._versions(name)}
                for title, name in buckets.items()
            ],
            "history": self._history(finding_id) if finding_id else [],
        }

    def _versions(self, bucket: str) -> list[dict[str, Any]]:
        """Answer every version and delete marker, by key, the latest first."""
        listed = self._s3.list_object_versions(Bucket=bucket)
        versions = [_version(one, is_marker=False) for one in listed.get("Versions", ())]
        versions += [_version(one, is_marker=True) for one in listed.get("DeleteMarkers", ())]
        latest_first = sorted(versions, key=lambda one: str(one["modified"]), reverse=True)
        return sorted(latest_first, key=lambda one: (one["key"], not one["is_latest"]))

    def _history(self, finding_id: str) -> list[Any]:
        """Answer the steps of a finding; what is none, such as a digest, has none."""
        record = self._read_record(finding_id) or {}
        history: list[Any] = TypeDeserializer().deserialize(record.get("history", {"L": []}))
        return history

    def _upload(self, request: Request) -> Answer:
        key = request.query.get("key")
        if key is None:
            raise ValueError("the file has no name")
        kind = request.kind or "application/octet-stream"
        self._s3.put_object(Bucket=self._source, Key=key, Body=request.body, ContentType=kind)
        return Answer.good(key=key)


def _version(one: Mapping[str, Any], *, is_marker: bool) -> dict[str, Any]:
    return {
        "key": one["Key"],
        "version": one["VersionId"],
        "size": one.get("Size"),
        "modified": one["LastModified"].isoformat(),
        "is_latest": one["IsLatest"],
        "is_marker": is_marker,
    }
