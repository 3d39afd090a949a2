"""What S3 is asked, what it answers, and how it refuses: samples of every operation of ours."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
REGION = "eu-west-1"
PLACE = {"Bucket": "acme-finance", "Key": "a b/ü?+&=#%20~.csv"}
OWNED = {"ExpectedBucketOwner": "111122223333", "RequestPayer": "requester"}
SOURCE = {"Bucket": "acme-source", "Key": "a b/ü?+&=#%20~.csv", "VersionId": "v1.x_y-z"}
CONDITIONS = {
    "CopySourceIfMatch": '"e1"',
    "ExpectedSourceBucketOwner": "111122223333",
    "RequestPayer": "requester",
}
UPLOAD = {**PLACE, "UploadId": "up+/=1"}
PARTS = [
    {"PartNumber": 1, "ETag": '"p1"', "ChecksumCRC64NVME": "a+/="},
    {"PartNumber": 2, "ETag": '"p2"'},
]

REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("HeadObject", {**PLACE, **OWNED, "VersionId": "v1", "ChecksumMode": "ENABLED"}),
    ("HeadObject", {"Bucket": "acme.with.dots", "Key": "//a/../b"}),
    ("HeadObject", {"Bucket": "Acme-Finance", "Key": "a"}),
    ("HeadObject", {"Bucket": "acme_finance", "Key": "a"}),
    ("HeadObject", {"Bucket": "acme-", "Key": "a"}),
    ("HeadObject", {"Bucket": "a" * 63, "Key": "a"}),
    ("HeadObject", {"Bucket": "a" * 64, "Key": "a"}),
    ("ListObjectVersions", {"Bucket": "acme-finance", "Prefix": "a b/ü+&", **OWNED}),
    (
        "ListObjectVersions",
        {"Bucket": "acme-finance", "Prefix": "a", "KeyMarker": "a&b", "VersionIdMarker": "v+1"},
    ),
    ("GetBucketVersioning", {"Bucket": "acme-finance", "ExpectedBucketOwner": "111122223333"}),
    ("GetBucketVersioning", {"Bucket": "acme.with.dots"}),
    ("GetBucketVersioning", {"Bucket": "Acme_Finance"}),
    ("GetObjectAcl", {**PLACE, **OWNED, "VersionId": "v1"}),
    ("GetObjectTagging", {**PLACE, **OWNED, "VersionId": "v1"}),
    ("DeleteObject", {**PLACE, **OWNED, "IfMatch": '"e1"'}),
    ("DeleteObject", {**PLACE, "VersionId": "null"}),
    (
        "CopyObject",
        {**PLACE, **CONDITIONS, "CopySource": SOURCE, "StorageClass": "STANDARD_IA"}
        | {"IfNoneMatch": "*", "WebsiteRedirectLocation": "/there"},
    ),
    ("CopyObject", {**PLACE, "CopySource": SOURCE, "IfMatch": '"e0"'}),
    (
        "CreateMultipartUpload",
        {**PLACE, **OWNED, "StorageClass": "STANDARD", "Tagging": "a=1&b=x+y"}
        | {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "FULL_OBJECT"}
        | {"CacheControl": "no-store", "ContentDisposition": "inline;  filename=ü", "Expires": NOW}
        | {"ContentEncoding": "gzip", "ContentLanguage": "de", "ContentType": "text/csv"}
        | {"Metadata": {"owner": "jane  doe", "t": "a\tb", "x": "=?UTF-8?Q?=C3=BC?="}},
    ),
    ("ListParts", {**UPLOAD, **OWNED}),
    ("ListParts", {**UPLOAD, "PartNumberMarker": 1000}),
    ("ListMultipartUploads", {"Bucket": "acme-finance", "Prefix": "a b", **OWNED}),
    (
        "UploadPartCopy",
        {**UPLOAD, **CONDITIONS, "PartNumber": 7, "CopySource": SOURCE}
        | {"CopySourceRange": "bytes=0-99"},
    ),
    (
        "CompleteMultipartUpload",
        {**UPLOAD, **OWNED, "MultipartUpload": {"Parts": PARTS}, "MpuObjectSize": 12}
        | {"IfNoneMatch": "*"},
    ),
    ("AbortMultipartUpload", {**UPLOAD, **OWNED}),
    ("ListObjectAnnotations", {**PLACE, **OWNED, "VersionId": "v1", "ContinuationToken": "t+1"}),
    ("GetObjectAnnotation", {**PLACE, **OWNED, "VersionId": "v1", "AnnotationName": "a/b c"}),
    (
        "PutObjectAnnotation",
        {**PLACE, **OWNED, "VersionId": "v1", "AnnotationName": "a/b c"}
        | {"AnnotationPayload": b"<note/>", "ObjectIfMatch": '"e1"'},
    ),
]

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_FACTS = {
    "ETag": '"e1"',
    "x-amz-version-id": "v1",
    "Content-Length": "5",
    "x-amz-checksum-crc64nvme": "a+/=",
    "x-amz-checksum-type": "FULL_OBJECT",
    "Cache-Control": "no-store",
    "Content-Type": "text/csv",
    "x-amz-meta-owner": "jane",
    "x-amz-missing-meta": "2",
    "x-amz-storage-class": "GLACIER",
    "x-amz-archive-status": "ARCHIVE_ACCESS",
    "x-amz-restore": 'ongoing-request="true"',
    "x-amz-object-lock-retain-until-date": "2027-01-01T00:00:00.000Z",
    "x-amz-object-lock-legal-hold": "ON",
    "x-amz-object-lock-event-hold": "ON",
    "x-amz-website-redirect-location": "/there",
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-west-1:1:key/2",
}
_VERSIONS = f"""{XML}<ListVersionsResult {NAMESPACE}><Name>acme</Name><Prefix>a+b</Prefix>
<KeyMarker/><VersionIdMarker/><MaxKeys>2</MaxKeys><EncodingType>url</EncodingType>
<IsTruncated>true</IsTruncated><NextKeyMarker>a+b%2F%01</NextKeyMarker>
<NextVersionIdMarker>v2</NextVersionIdMarker>
<Version><Key>a+b%2F%01</Key><VersionId>v2</VersionId><IsLatest>false</IsLatest><Size>5</Size>
<ETag>&quot;e1&quot;</ETag><StorageClass>STANDARD</StorageClass>
<Owner><ID>o1</ID></Owner></Version>
<DeleteMarker><Key>a+b%2F%01</Key><VersionId>m1</VersionId><IsLatest>true</IsLatest></DeleteMarker>
</ListVersionsResult>"""
_ACL = f"""{XML}<AccessControlPolicy {NAMESPACE}><Owner><ID>o1</ID></Owner><AccessControlList>
<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">
<ID>o1</ID><DisplayName>jane</DisplayName></Grantee><Permission>FULL_CONTROL</Permission></Grant>
<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">
<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission>
</Grant></AccessControlList></AccessControlPolicy>"""
_PARTS = f"""{XML}<ListPartsResult {NAMESPACE}><Bucket>acme</Bucket><Key>k</Key>
<UploadId>u</UploadId><PartNumberMarker>0</PartNumberMarker>
<NextPartNumberMarker>2</NextPartNumberMarker><MaxParts>2</MaxParts><IsTruncated>true</IsTruncated>
<Part><PartNumber>1</PartNumber><ETag>&quot;p1&quot;</ETag><Size>5</Size>
<ChecksumCRC64NVME>a+/=</ChecksumCRC64NVME></Part>
<Part><PartNumber>2</PartNumber><ETag>&quot;p2&quot;</ETag><Size>3</Size></Part></ListPartsResult>"""
_UPLOADS = f"""{XML}<ListMultipartUploadsResult {NAMESPACE}><Bucket>acme</Bucket>
<KeyMarker/><UploadIdMarker/><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>
<MaxUploads>1</MaxUploads><IsTruncated>false</IsTruncated><Upload><Key>k</Key><UploadId>u</UploadId>
<Initiator><ID>arn:aws:sts::1:assumed-role/r/s</ID><DisplayName>s</DisplayName></Initiator></Upload>
</ListMultipartUploadsResult>"""

ANSWERS: list[tuple[str, Mapping[str, str], str]] = [
    ("HeadObject", _FACTS, ""),
    ("HeadObject", {"ETag": '"e1"', "Content-Length": "0"}, ""),
    ("ListObjectVersions", {}, _VERSIONS),
    ("ListObjectVersions", {}, f"{XML}<ListVersionsResult {NAMESPACE}/>"),
    ("GetBucketVersioning", {}, f"{XML}<VersioningConfiguration {NAMESPACE}/>"),
    (
        "GetBucketVersioning",
        {},
        "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
    ),
    ("GetObjectAcl", {}, _ACL),
    (
        "GetObjectTagging",
        {"x-amz-version-id": "v1"},
        (
            f"{XML}<Tagging {NAMESPACE}><TagSet><Tag><Key>a&amp;b</Key><Value/></Tag>"
            "<Tag><Key>c</Key><Value>d e</Value></Tag></TagSet></Tagging>"
        ),
    ),
    ("GetObjectTagging", {}, f"{XML}<Tagging {NAMESPACE}><TagSet/></Tagging>"),
    ("DeleteObject", {"x-amz-delete-marker": "true", "x-amz-version-id": "m1"}, ""),
    ("DeleteObject", {}, ""),
    (
        "CopyObject",
        {"x-amz-version-id": "v9"},
        f"  \n {XML}<CopyObjectResult {NAMESPACE}><ETag>&quot;e1&quot;</ETag></CopyObjectResult>",
    ),
    (
        "CreateMultipartUpload",
        {},
        (
            f"{XML}<InitiateMultipartUploadResult {NAMESPACE}><Bucket>acme</Bucket><Key>k</Key>"
            "<UploadId>u+/=</UploadId></InitiateMultipartUploadResult>"
        ),
    ),
    ("ListParts", {}, _PARTS),
    ("ListMultipartUploads", {}, _UPLOADS),
    (
        "UploadPartCopy",
        {},
        (
            f"{XML}<CopyPartResult {NAMESPACE}><ETag>&quot;p1&quot;</ETag>"
            "<ChecksumCRC64NVME>a+/=</ChecksumCRC64NVME></CopyPartResult>"
        ),
    ),
    (
        "CompleteMultipartUpload",
        {"x-amz-version-id": "v9"},
        (
            f"   {XML}<CompleteMultipartUploadResult {NAMESPACE}><ETag>&quot;e-2&quot;</ETag>"
            "</CompleteMultipartUploadResult>"
        ),
    ),
    ("AbortMultipartUpload", {}, ""),
    (
        "ListObjectAnnotations",
        {},
        (
            f"{XML}<ListObjectAnnotationsResult {NAMESPACE}><Annotations><Annotation>"
            "<AnnotationName>a</AnnotationName></Annotation><Annotation><AnnotationName>b"
            "</AnnotationName></Annotation></Annotations>"
            "<NextContinuationToken>t</NextContinuationToken></ListObjectAnnotationsResult>"
        ),
    ),
    ("GetObjectAnnotation", {"ETag": '"n"'}, "<Error>an annotation, in fact</Error>"),
    ("PutObjectAnnotation", {}, ""),
]

ERRORS: list[tuple[str, int, str]] = [
    ("HeadObject", 404, ""),
    ("HeadObject", 403, ""),
    ("HeadObject", 412, ""),
    (
        "GetObjectAcl",
        403,
        f"{XML}<Error><Code>AccessDenied</Code><Message>no: kms:Decrypt</Message></Error>",
    ),
    (
        "GetObjectTagging",
        404,
        (
            f"{XML}<Error><Code>NoSuchBucket</Code><Message>gone</Message>"
            "<BucketName>acme</BucketName></Error>"
        ),
    ),
    ("DeleteObject", 412, f"{XML}<Error><Code>PreconditionFailed</Code></Error>"),
    ("DeleteObject", 409, ""),
    ("CopyObject", 403, f"{XML}<Error><Code>ObjectNotInActiveTierError</Code></Error>"),
]

LATE = f" \n {XML}<Error><Code>InternalError</Code><Message>We failed</Message></Error>"
