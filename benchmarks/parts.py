"""A 64 MiB object moved in parts side by side, against the same copy by one thread.

`python -m benchmarks.parts [--runs N]` prints medians, in the sandbox, with parts of 8 MiB: as the
emulator copies, which is one process with one disk, and with a wait for each part, as for a service
that copies many at once.
"""

import argparse
import time
import uuid
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any
from unittest import mock

from lambdas.remediator import parts
from lambdas.remediator.copying import Copying, Source
from lambdas.remediator.objects import Objects, Place
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
    with sandbox() as one:
        s3 = one.client("s3")
        source = _prepared(s3)
        for wait in WAITS:
            s3.meta.events.register("before-send.s3.UploadPartCopy", _waiting(wait), unique_id=wait)
            print(f"{wait} s", *_row(s3, source, runs), sep=" | ", flush=True)
            s3.meta.events.unregister("before-send.s3.UploadPartCopy", unique_id=wait)


def _row(s3: Any, source: Source, runs: int) -> Iterator[str]:
    side_by_side, alone = [], []
    for _ in range(runs):
        side_by_side.append(_seconds(s3, source, threads=parts.SIDE_BY_SIDE))
        alone.append(_seconds(s3, source, threads=1))
    ratio = median(side_by_side) / median(alone)
    yield from (f"{value:.2f}" for value in (median(side_by_side), median(alone), ratio))


def _waiting(seconds: float) -> Callable[..., None]:
    return lambda **_: time.sleep(seconds)


def _prepared(s3: Any) -> Source:
    for bucket in ("acme-source", "acme-target"):
        s3.create_bucket(Bucket=bucket)
    place = Place(bucket="acme-source", key="large")
    s3.put_object(Bucket=place.bucket, Key=place.key, Body=bytes(SIZE))
    objects = Objects(s3)
    facts = objects.look(place)
    assert facts is not None  # noqa: S101 - it was just put
    return Source(objects=objects, place=place, facts=facts)


def _seconds(s3: Any, source: Source, *, threads: int) -> float:
    copying = Copying(objects=Objects(s3), threshold=THRESHOLD, may_cover=lambda _: True)
    target = Place(bucket="acme-target", key=uuid.uuid4().hex)
    with mock.patch.object(parts, "SIDE_BY_SIDE", threads):
        began = time.perf_counter()
        copying.copied(source, target, None, lambda _: None)
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
