"""A 64 MiB object copied in parallel parts, compared with the same copy by one thread.

`python -m benchmarks.parts [--runs N]` prints medians, in the sandbox, with parts of 8 MiB: first
as the emulator copies, which is one process with one disk; then with a wait for each part, as in a
service that copies many at once.
"""

import argparse
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING
from unittest import mock

from benchmarks.report import table
from lambdas.remediator.s3 import multipart
from lambdas.remediator.s3.clients import s3_access
from lambdas.remediator.s3.copy import copy_object
from lambdas.remediator.s3.objects import head
from lambdas.remediator.s3.parameters import CopyRequest, ObjectKey, SourceObject
from local.aws.emulator import ACCOUNT, REGION
from local.sandbox import sandbox

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1024 * 1024
SIZE, THRESHOLD = 64 * MIB, 8 * MIB
WAITS = (0.0, 0.25)
"""Seconds."""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each kind")
    runs = parser.parse_args().runs
    with sandbox() as running, mock.patch.dict("os.environ", running.emulator.environment):
        source = _create_source(running.client("s3"))
        rows = [_row(source, wait, runs) for wait in WAITS]
    print(
        f"{runs} runs, {SIZE // MIB} MiB in parts of {THRESHOLD // MIB} MiB\n",
        table(rows),
        sep="\n",
    )


def _row(source: SourceObject, wait: float, runs: int) -> dict[str, float]:
    parallel, sequential = [], []
    with _wait_for_each_part(source.s3.client, wait):
        for _ in range(runs):
            parallel.append(_copy_seconds(source, threads=multipart.PARALLEL_PARTS))
            sequential.append(_copy_seconds(source, threads=1))
    return {
        "wait for each part s": wait,
        "parallel s": median(parallel),
        "sequential s": median(sequential),
        "ratio": median(parallel) / median(sequential),
    }


@contextmanager
def _wait_for_each_part(client: "S3Client", seconds: float) -> Iterator[None]:
    def wait(**_: object) -> None:
        time.sleep(seconds)

    client.meta.events.register("before-call.s3.UploadPartCopy", wait)
    try:
        yield
    finally:
        client.meta.events.unregister("before-call.s3.UploadPartCopy", wait)


def _create_source(client: "S3Client") -> SourceObject:
    for bucket in ("acme-source", "acme-target"):
        client.create_bucket(Bucket=bucket)
    s3, key = (
        s3_access(ACCOUNT, REGION),
        ObjectKey(bucket="acme-source", key="large", owner=ACCOUNT),
    )
    client.put_object(Bucket=key.bucket, Key=key.key, Body=bytes(SIZE))
    metadata = head(s3, key)
    assert metadata is not None  # noqa: S101 - it has just been put
    return SourceObject(s3=s3, key=key, metadata=metadata)


def _copy_seconds(source: SourceObject, *, threads: int) -> float:
    request = CopyRequest(
        s3=source.s3,
        source=source,
        destination=ObjectKey(bucket="acme-target", key=uuid.uuid4().hex, owner=ACCOUNT),
        threshold=THRESHOLD,
        encryption={},
        may_overwrite=lambda _: True,
        save_attempt=lambda _: None,
    )
    with mock.patch.object(multipart, "PARALLEL_PARTS", threads):
        began = time.perf_counter()
        copy = copy_object(request, None)
        took = time.perf_counter() - began
    assert copy is not None  # noqa: S101 - there is nothing that it could not replace
    return took


if __name__ == "__main__":
    main()
