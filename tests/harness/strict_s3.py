"""The rules of Amazon S3 that an emulator does not keep, as hooks in front of it.

moto ignores conditions and owners on copies; ministack ignores `IfNoneMatch` on CopyObject, owners
and archived storage classes; neither knows object annotations, and neither keeps to regions, to
KMS keys or to who pays. Each rule names its source.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.harness.aws import FunctionClients, Response, error_response, response

LARGEST_COPY = 5 * 1024**3
_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})

Parameters = Mapping[str, Any]
Intervention = tuple[Response, dict[str, Any]] | None
"""The response of a rule in the place of S3; None lets the request go on."""


@dataclass(kw_only=True)
class StrictS3:
    """The rules, for every S3 client of the functions.

    Attributes:
        plain: an S3 client without the rules, to look things up.
        account: the account that owns all the buckets but those in `owners`.
        deny: `(operation, parameters)` to whether IAM or a bucket policy denies it.
        annotations: `(bucket, key, version id)` to annotations by name.
        owners: the accounts that own the other buckets.
        regions: where buckets are; the others are in every region.
        requester_pays: the buckets that respond only to a requester who pays.
        dsse_keys: `(bucket, key)` to the KMS key of an object encrypted twice with it.
        refused_keys: the KMS keys that may not be used, and S3's error code for each.
        requests: the operation and parameters of every request, in order.
    """

    plain: Any
    account: str
    deny: Callable[[str, Parameters], bool] = lambda *_: False
    annotations: dict[tuple[str, str, str | None], dict[str, bytes]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    regions: dict[str, str] = field(default_factory=dict)
    requester_pays: set[str] = field(default_factory=set)
    dsse_keys: dict[tuple[str, str], str] = field(default_factory=dict)
    refused_keys: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, Parameters]] = field(default_factory=list)

    @property
    def operations(self) -> list[str]:
        """The operation of every request, in order."""
        return [operation for operation, _ in self.requests]

    def watch(self, clients: FunctionClients) -> None:
        """Apply the rules to `clients`."""
        clients.register("provide-client-params.s3", self._keep_parameters)
        clients.register("before-call.s3", self._before_call)
        clients.register("after-call.s3", self._after_call)

    def _keep_parameters(self, params: Parameters, context: dict[str, Any], **_: Any) -> None:
        """Keep the parameters as they were before botocore rewrites them."""
        context["parameters"] = dict(params)

    def _before_call(self, model: Any, context: dict[str, Any], **_: Any) -> Intervention:
        """Respond in the place of S3 where S3 would refuse."""
        params = context["parameters"]
        self.requests.append((model.name, params))
        if self.deny(model.name, params) or self._is_foreign(params):
            return _refusal(403, "AccessDenied")
        if self._is_unpaid(model, params):
            return _refusal(403, "AccessDenied")
        region = context["client_region"]
        if self.regions.get(params["Bucket"], region) != region:
            return _refusal(301, "PermanentRedirect")
        rule: Callable[[Parameters], Intervention] | None
        rule = getattr(self, f"_{model.name}", None)
        return rule(params) if rule else None

    def _after_call(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        """Remove what S3 would not return: a version in a bucket that never made any."""
        if model.name == "CompleteMultipartUpload" and parsed.get("VersionId") == "null":
            del parsed["VersionId"]

    def _is_foreign(self, params: Parameters) -> bool:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html."""
        buckets = {
            "ExpectedBucketOwner": params["Bucket"],
            "ExpectedSourceBucketOwner": params.get("CopySource", {}).get("Bucket"),
        }
        return any(
            name in params and params[name] != self.owners.get(bucket, self.account)
            for name, bucket in buckets.items()
        )

    def _is_unpaid(self, model: Any, params: Parameters) -> bool:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html."""
        buckets = {params["Bucket"], params.get("CopySource", {}).get("Bucket")}
        may_be_paid = "RequestPayer" in model.input_shape.members
        return bool(may_be_paid and buckets & self.requester_pays and "RequestPayer" not in params)

    def _HeadObject(self, params: Parameters) -> Intervention:  # noqa: N802 - S3's name
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html (ChecksumMode)."""
        if not self.refused_keys and not self.dsse_keys:
            return None
        found = self._head(params["Bucket"], params["Key"], params.get("VersionId"))
        if found is None:
            return None
        refusal = self._refuse_key(found) if "ChecksumMode" in params else None
        if refusal is not None:
            # The response to a HEAD request has no body, so not the error's name.
            status = refusal[0].status_code
            return _refusal(status, str(status))
        return response(found) if (params["Bucket"], params["Key"]) in self.dsse_keys else None

    def _refuse_key(self, found: Parameters) -> Intervention:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html."""
        key = found.get("SSEKMSKeyId")
        code = self.refused_keys.get(key or "")
        if code is None:
            return None
        message = f"The remediator is not authorized to perform: kms:Decrypt on resource: {key}"
        return _refusal(403, code, message) if code == "AccessDenied" else _refusal(400, code)

    def _CopyObject(self, params: Parameters) -> Intervention:  # noqa: N802 - S3's name
        source = self._head_source(params)
        refusal = self._refuse_source(params, source) or self._refuse_destination(params)
        if refusal is None and source is not None and source["ContentLength"] > LARGEST_COPY:
            refusal = _refusal(400, "InvalidRequest")
        return refusal

    def _UploadPartCopy(self, params: Parameters) -> Intervention:  # noqa: N802 - S3's name
        return self._refuse_source(params, self._head_source(params))

    def _CompleteMultipartUpload(self, params: Parameters) -> Intervention:  # noqa: N802 - S3's name
        return self._refuse_destination(params)

    def _head_source(self, params: Parameters) -> Parameters | None:
        source = params["CopySource"]
        assert isinstance(source, dict), "a text is misread where the key has ? or + in it"
        return self._head(source["Bucket"], source["Key"], source.get("VersionId"))

    def _head(self, bucket: str, key: str, version_id: str | None = None) -> Parameters | None:
        version = {"VersionId": version_id} if version_id else {}
        try:
            found: dict[str, Any] = self.plain.head_object(
                Bucket=bucket, Key=key, ChecksumMode="ENABLED", **version
            )
        except ClientError:
            return None
        dsse_key = self.dsse_keys.get((bucket, key))
        return found | {"SSEKMSKeyId": dsse_key} if dsse_key else found

    def _refuse_source(self, params: Parameters, source: Parameters | None) -> Intervention:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html."""
        if source is None:
            return _refusal(404, "NoSuchKey")
        if source.get("StorageClass") in _ARCHIVED and "Restore" not in source:
            return _refusal(403, "ObjectNotInActiveTierError")
        etag = params.get("CopySourceIfMatch")
        if etag is not None and not _is_etag(etag, source):
            return _refusal(412, "PreconditionFailed")
        return self._refuse_key(source)

    def _refuse_destination(self, params: Parameters) -> Intervention:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html."""
        if len(params["Key"].encode()) > 1024:
            return _refusal(400, "KeyTooLongError")
        if "IfNoneMatch" not in params and "IfMatch" not in params:
            return None
        present = self._head(params["Bucket"], params["Key"])
        if "IfNoneMatch" in params:
            return None if present is None else _refusal(412, "PreconditionFailed")
        if present is None:
            return _refusal(404, "NoSuchKey")
        is_same = _is_etag(params["IfMatch"], present)
        return None if is_same else _refusal(412, "PreconditionFailed")

    def _annotations_of(self, params: Parameters) -> dict[str, bytes]:
        version = (params["Bucket"], params["Key"], params.get("VersionId"))
        return self.annotations.setdefault(version, {})

    def _ListObjectAnnotations(self, params: Parameters) -> Intervention:  # noqa: N802 - S3's name
        names = [{"AnnotationName": name} for name in self._annotations_of(params)]
        return response({"Annotations": names})

    def _GetObjectAnnotation(self, params: Parameters) -> Intervention:  # noqa: N802 - S3's name
        payload = self._annotations_of(params)[params["AnnotationName"]]
        return response({"AnnotationPayload": io.BytesIO(payload)})

    def _PutObjectAnnotation(self, params: Parameters) -> Intervention:  # noqa: N802 - S3's name
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAnnotation.html."""
        found = self._head(params["Bucket"], params["Key"], params.get("VersionId"))
        etag = params.get("ObjectIfMatch")
        if etag and found and not _is_etag(etag, found):
            return _refusal(412, "PreconditionFailed")
        self._annotations_of(params)[params["AnnotationName"]] = params["AnnotationPayload"]
        return response({})


def _is_etag(etag: str, found: Parameters) -> bool:
    return etag.strip('"') == str(found["ETag"]).strip('"')


def _refusal(status: int, code: str, message: str = "refused by a rule of S3") -> Intervention:
    return error_response(status, code, message)
