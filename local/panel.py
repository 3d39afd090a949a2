"""The page's panel beside the channel: both buckets, the ledger, uploads, and the Macie job."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from local.macie.job import MacieJob
from local.slack.server import Request
from local.slack.workspace import Response

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class SandboxPanel:
    """Shows the sandbox to its user, and takes the user's files.

    Args:
        s3: an S3 client.
        source: the bucket for the user's files.
        quarantine: the quarantine bucket.
        read_record: returns a finding's item of the ledger in DynamoDB's JSON, or None.
        job: the Macie job.
    """

    def __init__(
        self,
        s3: "S3Client",
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

    def respond(self, request: Request) -> Response | None:
        """Return the response to a request below /panel/, None if there is nothing.

        Raises:
            ValueError: AWS reports an error, or does not respond.
        """
        try:
            return self._respond(request)
        except ClientError as error:
            raise ValueError(error.response["Error"]["Message"]) from error
        except BotoCoreError as error:
            raise ValueError(str(error)) from error

    def _respond(self, request: Request) -> Response | None:
        match request.method, request.path:
            case "GET", "/panel/state":
                return Response(status=200, body=self._state(request.query.get("finding")))
            case "POST", "/panel/upload":
                return self._upload(request)
            case "POST", "/panel/job":
                return Response(status=200, body=vars(self._job.run()))
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
        """Return every version and delete marker, sorted by key, the latest first."""
        page = self._s3.list_object_versions(Bucket=bucket)
        versions = [_version(item, is_marker=False) for item in page.get("Versions", ())]
        versions += [_version(item, is_marker=True) for item in page.get("DeleteMarkers", ())]
        versions.sort(key=lambda version: str(version["modified"]), reverse=True)
        return sorted(versions, key=lambda version: (version["key"], not version["is_latest"]))

    def _history(self, finding_id: str) -> list[Any]:
        """Return a finding's transitions. Other items, such as digests, have none."""
        record = self._read_record(finding_id) or {}
        history: list[Any] = TypeDeserializer().deserialize(record.get("history", {"L": []}))
        return history

    def _upload(self, request: Request) -> Response:
        key = request.query.get("key")
        if key is None:
            raise ValueError("the file has no name")
        content_type = request.content_type or "application/octet-stream"
        self._s3.put_object(
            Bucket=self._source, Key=key, Body=request.body, ContentType=content_type
        )
        return Response.success(key=key)


def _version(item: Mapping[str, Any], *, is_marker: bool) -> dict[str, Any]:
    return {
        "key": item["Key"],
        "version": item["VersionId"],
        "size": item.get("Size"),
        "modified": item["LastModified"].isoformat(),
        "is_latest": item["IsLatest"],
        "is_marker": is_marker,
    }
