"""A checking layer in front of an S3 emulator: what Amazon S3 refuses, and emulators let pass.

moto ignores conditions and owners on copies; ministack ignores `IfNoneMatch` on CopyObject, owners
and archived storage classes; neither knows object annotations, and neither keeps to regions, to
KMS keys or to who pays. Each rule names its source.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError

LARGEST_COPY = 5 * 1024**3
_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


@dataclass(frozen=True, slots=True)
class _Status:
    status_code: int


@dataclass(kw_only=True)
class StrictS3:
    """The rules, for every S3 client of one botocore session.

    Attributes:
        plain: an S3 client without the rules, to look things up.
        account: the account that owns all the buckets but those in `owners`.
        deny: `(operation, parameters)` to whether IAM or a bucket policy denies it.
        annotations: `(bucket, key, version id)` to annotations by name.
        owners: the accounts that own the other buckets.
        regions: where buckets are; the others are in every region.
        requester_pays: the buckets that only answer who takes the charges.
        dsse_keys: `(bucket, key)` to the KMS key of an object encrypted twice with it.
        refused_keys: the KMS keys that may not be used, and S3's error code for each.
        calls: every S3 operation asked for, in order.
        asked: the same with their parameters.
    """

    plain: Any
    account: str
    deny: Callable[[str, Mapping[str, Any]], bool] = lambda *_: False
    annotations: dict[tuple[str, str, str | None], dict[str, bytes]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    regions: dict[str, str] = field(default_factory=dict)
    requester_pays: set[str] = field(default_factory=set)
    dsse_keys: dict[tuple[str, str], str] = field(default_factory=dict)
    refused_keys: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def remember(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Keep what was asked for, before botocore rewrites it."""
        context["asked"] = dict(params)

    def before_call(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        """Answer in S3's place where S3 would refuse; None lets the request go on."""
        asked = context.get("asked", {})
        self.calls.append(model.name)
        self.asked.append((model.name, asked))
        if self.deny(model.name, asked) or self._is_foreign(asked):
            return _refused(403, "AccessDenied")
        if self._is_unpaid(model, asked):
            return _refused(403, "AccessDenied")
        if self.regions.get(asked["Bucket"], context["client_region"]) != context["client_region"]:
            return _refused(301, "PermanentRedirect")
        rule = getattr(self, f"_{model.name}", None)
        return rule(asked) if rule else None

    def after_call(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        """Take back what S3 would not answer: a version where a bucket never made any."""
        if model.name == "CompleteMultipartUpload" and parsed.get("VersionId") == "null":
            del parsed["VersionId"]

    def _is_foreign(self, asked: Mapping[str, Any]) -> bool:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html."""
        buckets = {
            "ExpectedBucketOwner": asked["Bucket"],
            "ExpectedSourceBucketOwner": asked.get("CopySource", {}).get("Bucket"),
        }
        return any(
            name in asked and asked[name] != self.owners.get(bucket, self.account)
            for name, bucket in buckets.items()
        )

    def _is_unpaid(self, model: Any, asked: Mapping[str, Any]) -> bool:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html."""
        touched = {asked["Bucket"], asked.get("CopySource", {}).get("Bucket")}
        has_word = "RequestPayer" in model.input_shape.members
        return bool(has_word and touched & self.requester_pays and "RequestPayer" not in asked)

    def _HeadObject(self, asked: Mapping[str, Any]) -> Any:  # noqa: N802 - S3's name
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html (ChecksumMode)."""
        if not self.refused_keys and not self.dsse_keys:
            return None
        found = self._look(asked["Bucket"], asked["Key"], asked.get("VersionId"))
        if found is None:
            return None
        refusal = self._refused_key(found) if "ChecksumMode" in asked else None
        if refusal is not None:
            # A HEAD request is answered without a body, so without the error's name.
            status = refusal[0].status_code
            return _refused(status, str(status))
        return _answered(found) if (asked["Bucket"], asked["Key"]) in self.dsse_keys else None

    def _refused_key(self, found: Any) -> Any:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html."""
        key = found.get("SSEKMSKeyId")
        code = self.refused_keys.get(key)
        if code is None:
            return None
        said = f"The remediator is not authorized to perform: kms:Decrypt on resource: {key}"
        return _refused(403, code, said) if code == "AccessDenied" else _refused(400, code)

    def _CopyObject(self, asked: Mapping[str, Any]) -> Any:  # noqa: N802 - S3's name
        source = self._source(asked)
        refusal = self._refused_source(asked, source) or self._refused_destination(asked)
        if refusal is None and source is not None and source["ContentLength"] > LARGEST_COPY:
            refusal = _refused(400, "InvalidRequest")
        return refusal

    def _UploadPartCopy(self, asked: Mapping[str, Any]) -> Any:  # noqa: N802 - S3's name
        return self._refused_source(asked, self._source(asked))

    def _CompleteMultipartUpload(self, asked: Mapping[str, Any]) -> Any:  # noqa: N802 - S3's name
        return self._refused_destination(asked)

    def _source(self, asked: Mapping[str, Any]) -> Any:
        named = asked["CopySource"]
        assert isinstance(named, dict), "a text is misread where the key has ? or + in it"
        return self._look(named["Bucket"], named["Key"], named.get("VersionId"))

    def _look(self, bucket: str, key: str, version_id: str | None = None) -> Any:
        version = {"VersionId": version_id} if version_id else {}
        try:
            found = self.plain.head_object(
                Bucket=bucket, Key=key, ChecksumMode="ENABLED", **version
            )
        except ClientError:
            return None
        dsse = self.dsse_keys.get((bucket, key))
        return found | {"SSEKMSKeyId": dsse} if dsse else found

    def _refused_source(self, asked: Mapping[str, Any], source: Any) -> Any:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html."""
        if source is None:
            return _refused(404, "NoSuchKey")
        if source.get("StorageClass") in _ARCHIVED and "Restore" not in source:
            return _refused(403, "ObjectNotInActiveTierError")
        wanted = asked.get("CopySourceIfMatch")
        if wanted is not None and wanted.strip('"') != source["ETag"].strip('"'):
            return _refused(412, "PreconditionFailed")
        return self._refused_key(source)

    def _refused_destination(self, asked: Mapping[str, Any]) -> Any:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html."""
        if len(asked["Key"].encode()) > 1024:
            return _refused(400, "KeyTooLongError")
        if "IfNoneMatch" not in asked and "IfMatch" not in asked:
            return None
        present = self._look(asked["Bucket"], asked["Key"])
        if "IfNoneMatch" in asked:
            return None if present is None else _refused(412, "PreconditionFailed")
        if present is None:
            return _refused(404, "NoSuchKey")
        is_same = asked["IfMatch"].strip('"') == present["ETag"].strip('"')
        return None if is_same else _refused(412, "PreconditionFailed")

    def _annotated(self, asked: Mapping[str, Any]) -> dict[str, bytes]:
        place = (asked["Bucket"], asked["Key"], asked.get("VersionId"))
        return self.annotations.setdefault(place, {})

    def _ListObjectAnnotations(self, asked: Mapping[str, Any]) -> Any:  # noqa: N802 - S3's name
        names = [{"AnnotationName": name} for name in self._annotated(asked)]
        return _answered({"Annotations": names})

    def _GetObjectAnnotation(self, asked: Mapping[str, Any]) -> Any:  # noqa: N802 - S3's name
        payload = self._annotated(asked)[asked["AnnotationName"]]
        return _answered({"AnnotationPayload": io.BytesIO(payload)})

    def _PutObjectAnnotation(self, asked: Mapping[str, Any]) -> Any:  # noqa: N802 - S3's name
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAnnotation.html."""
        found = self._look(asked["Bucket"], asked["Key"], asked.get("VersionId"))
        wanted = asked.get("ObjectIfMatch", "")
        if wanted and found and wanted.strip('"') != found["ETag"].strip('"'):
            return _refused(412, "PreconditionFailed")
        self._annotated(asked)[asked["AnnotationName"]] = asked["AnnotationPayload"]
        return _answered({})


def _answered(parsed: dict[str, Any]) -> Any:
    return _Status(200), parsed


def _refused(status: int, code: str, said: str = "refused by the checking layer") -> Any:
    error = {"Code": code, "Message": said}
    return _Status(status), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}


def guarded_session() -> Any:
    """Make the botocore session on which boto3's default clients are built from now on."""
    boto3.setup_default_session()
    session: Any = boto3.DEFAULT_SESSION
    return session._session
