"""Copying what is too large for one CopyObject: in parts, in parallel, each pinned to the source.

boto3's managed copy keeps neither a condition on the destination nor the check of the owner.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

from lambdas.remediator.s3.errors import error_code, is_refusal
from lambdas.remediator.s3.parameters import (
    CopyRequest,
    CopyResult,
    KeyArgs,
    WriteCondition,
    quote_etag,
    unquote_etag,
)
from lambdas.remediator.s3.parts import Part, checksum_algorithm, plan_parts

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        CopyPartResultTypeDef,
        MultipartUploadTypeDef,
        PartTypeDef,
    )

PARALLEL_PARTS = 8


class _UploadArgs(KeyArgs):
    UploadId: str


class _Marker(TypedDict, total=False):
    KeyMarker: str
    UploadIdMarker: str


def copy_in_parts(
    request: CopyRequest,
    condition: WriteCondition,
    upload_id: str | None,
    save_upload: Callable[[str], object],
) -> CopyResult:
    """Copy, continuing the upload `upload_id` if it is there.

    A new upload's id is given to `save_upload` before the first part is copied. A refusal leaves
    no upload behind.
    """
    copied = _list_copied(request, upload_id) if upload_id else None
    if upload_id is None or copied is None:
        upload_id, copied = _create_upload(request), {}
        save_upload(upload_id)
    try:
        _abort_forgotten(request, upload_id)
        parts = _copy_missing(request, upload_id, copied)
        return _complete_upload(request, condition, upload_id, parts)
    except ClientError as error:
        if is_refusal(error):
            # The refusal is what people have to read; the next upload aborts what is left.
            with suppress(ClientError):
                request.s3.client.abort_multipart_upload(**_upload_args(request, upload_id))
        raise


def _create_upload(request: CopyRequest) -> str:
    source = request.source
    response = request.s3.client.create_multipart_upload(
        **request.destination.args,
        **source.metadata.headers,
        **source.copy_args,
        **request.encryption,
        ChecksumAlgorithm=checksum_algorithm(source.metadata),
        ChecksumType="FULL_OBJECT",
    )
    return response["UploadId"]


def _list_copied(request: CopyRequest, upload_id: str) -> "dict[int, CompletedPartTypeDef] | None":
    """List the parts that are copied already, or None if there is no such upload any more.

    Those of another size than planned do not count: the threshold may have been changed.
    """
    sizes = {part.number: part.size for part in _parts(request)}
    pages = request.s3.client.get_paginator("list_parts").paginate(
        **_upload_args(request, upload_id)
    )
    try:
        parts = [part for page in pages for part in page.get("Parts", ())]
    except ClientError as error:
        if error_code(error) == "NoSuchUpload":
            return None
        raise
    return {
        part["PartNumber"]: _completed_part(part["PartNumber"], part)
        for part in parts
        if sizes.get(part["PartNumber"]) == part["Size"]
    }


def _abort_forgotten(request: CopyRequest, upload_id: str) -> None:
    """Abort the uploads to this key that we created, and died before their ids were saved."""
    uploads = [
        upload for upload in _list_uploads(request) if upload["Key"] == request.destination.key
    ]
    ours = next(
        (upload["Initiator"] for upload in uploads if upload["UploadId"] == upload_id), None
    )
    for upload in uploads:
        if upload["UploadId"] != upload_id and upload["Initiator"] == ours:
            request.s3.client.abort_multipart_upload(**_upload_args(request, upload["UploadId"]))


def _list_uploads(request: CopyRequest) -> "Iterator[MultipartUploadTypeDef]":
    """List the uploads to keys that begin as the destination's.

    A key may have characters that XML cannot carry, so keys come in URL encoding. botocore decodes
    none of this operation's, and its paginator would continue at a key that is not there.
    """
    key, marker = request.destination, _Marker()
    while True:
        page = request.s3.client.list_multipart_uploads(
            **key.bucket_args,
            RequestPayer="requester",
            Prefix=key.key,
            EncodingType="url",
            **marker,
        )
        decode = unquote_plus if page.get("EncodingType") == "url" else str
        for upload in page.get("Uploads", ()):
            yield {**upload, "Key": decode(upload["Key"])}
        if not page.get("IsTruncated"):
            return
        marker = {
            "KeyMarker": decode(page["NextKeyMarker"]),
            "UploadIdMarker": page["NextUploadIdMarker"],
        }


def _copy_missing(
    request: CopyRequest, upload_id: str, copied: "dict[int, CompletedPartTypeDef]"
) -> "list[CompletedPartTypeDef]":
    def copy_part(part: Part) -> "CompletedPartTypeDef":
        if part.number in copied:
            return copied[part.number]
        response = request.s3.client.upload_part_copy(
            **_upload_args(request, upload_id),
            **request.source.source_args,
            PartNumber=part.number,
            CopySourceRange=part.range,
        )
        return _completed_part(part.number, response["CopyPartResult"])

    with ThreadPoolExecutor(PARALLEL_PARTS) as threads:
        return list(threads.map(copy_part, _parts(request)))


def _complete_upload(
    request: CopyRequest,
    condition: WriteCondition,
    upload_id: str,
    parts: "list[CompletedPartTypeDef]",
) -> CopyResult:
    response = request.s3.single_attempt_client.complete_multipart_upload(
        **_upload_args(request, upload_id),
        **condition,
        MultipartUpload={"Parts": parts},
        MpuObjectSize=request.source.metadata.size,
    )
    return CopyResult(version_id=response.get("VersionId"), etag=unquote_etag(response["ETag"]))


def _completed_part(
    number: int, result: "CopyPartResultTypeDef | PartTypeDef"
) -> "CompletedPartTypeDef":
    """Return a copied part as CompleteMultipartUpload wants it, with the upload's checksum."""
    part: CompletedPartTypeDef = {"PartNumber": number, "ETag": result["ETag"]}
    if "ChecksumCRC64NVME" in result:
        part["ChecksumCRC64NVME"] = result["ChecksumCRC64NVME"]
    if "ChecksumCRC32C" in result:
        part["ChecksumCRC32C"] = result["ChecksumCRC32C"]
    if "ChecksumCRC32" in result:
        part["ChecksumCRC32"] = result["ChecksumCRC32"]
    return part


def copy_annotations(request: CopyRequest, result: CopyResult) -> None:
    """Copy the object's annotations, which a copy in parts leaves behind.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectAnnotations.html
    """
    source, client = request.source, request.source.s3.client
    for page in client.get_paginator("list_object_annotations").paginate(**source.args):
        for annotation in page.get("Annotations", ()):
            name = annotation["AnnotationName"]
            response = client.get_object_annotation(**source.args, AnnotationName=name)
            request.s3.client.put_object_annotation(
                **request.destination.version_args(result.version_id),
                AnnotationName=name,
                AnnotationPayload=response["AnnotationPayload"].read(),
                ObjectIfMatch=quote_etag(result.etag),
            )


def copy_tags(request: CopyRequest, result: CopyResult) -> None:
    """Tag a copy as its source is, for a copy in parts has no tags.

    Ten tags with long names are more than the header of CreateMultipartUpload takes.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
    """
    source = request.source
    tags = source.s3.client.get_object_tagging(**source.args)["TagSet"]
    if tags:
        request.s3.client.put_object_tagging(
            **request.destination.version_args(result.version_id), Tagging={"TagSet": tags}
        )


def _parts(request: CopyRequest) -> Iterator[Part]:
    return plan_parts(request.source.metadata.size, request.threshold)


def _upload_args(request: CopyRequest, upload_id: str) -> _UploadArgs:
    return {**request.destination.args, "UploadId": upload_id}
