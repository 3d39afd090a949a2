"""A 64 MiB object moved in parts side by side, against the same copy by one thread.

`python -m benchmarks.parts [--runs N]` prints medians, in the sandbox, with parts of 8 MiB: as the
emulator copies, which is one process with one disk, and with a wait for each part, as for a service
that copies many at once.
"""

import argparse
import time
import uuid
from collections.abc import Iterator
from statistics import median
from typing import Any
from unittest import mock

from lambdas.common.aws import Call
from lambdas.remediator.copying import Copying, Source
from lambdas.remediator.objects import Objects, Place

from lambdas.common import endpoints
from lambdas.remediator import parts, s3
from local.sandbox import sandbox

MIB = 1024 * 1024
SIZE, THRESHOLD = 64 * MIB, 8 * MIB
WAITS = (0, 0.25)
"""Seconds."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs a median is taken of")
    runs = parser.parse_args().runs
    print(f"medians of {runs} runs, {SIZE // MIB} MiB in parts of {THRESHOLD // MIB} MiB")
    print("wait a part | side by side s | one after another s | ratio\n--- | --- | --- | ---")
    with sandbox() as one, mock.patch.dict("os.environ", one.emulator.environment):
        place = _prepared(one.client("s3"))
        for wait in WAITS:
            print(f"{wait} s", *_row(Objects(_waiting(wait)), place, runs), sep=" | ", flush=True)


def _row(objects: Objects, place: Place, runs: int) -> Iterator[str]:
    facts = objects.look(place)
    assert facts is not None  # noqa: S101 - it was just put
    source = Source(objects=objects, place=place, facts=facts)
    side_by_side, alone = [], []
    for _ in range(runs):
        side_by_side.append(_seconds(source, threads=parts.SIDE_BY_SIDE))
        alone.append(_seconds(source, threads=1))
    ratio = median(side_by_side) / median(alone)
    yield from (f"{value:.2f}" for value in (median(side_by_side), median(alone), ratio))


def _waiting(seconds: float) -> Call:
    """Answer what asks S3, and waits with each part."""
    asked = s3.service(endpoints.region())

    def call(operation: str, **request: Any) -> dict[str, Any]:
        time.sleep(seconds if operation == "UploadPartCopy" else 0)
        return asked(operation, **request)

    return call


def _prepared(client: Any) -> Place:
    for bucket in ("acme-source", "acme-target"):
        client.create_bucket(Bucket=bucket)
    place = Place(bucket="acme-source", key="large")
    client.put_object(Bucket=place.bucket, Key=place.key, Body=bytes(SIZE))
    return place


def _seconds(source: Source, *, threads: int) -> float:
    copying = Copying(objects=source.objects, threshold=THRESHOLD, may_cover=lambda _: True)
    target = Place(bucket="acme-target", key=uuid.uuid4().hex)
    with mock.patch.object(parts, "SIDE_BY_SIDE", threads):
        began = time.perf_counter()
        copying.copied(source, target, None, lambda _: None)
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
