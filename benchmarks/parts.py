"""A 64 MiB object moved in parts side by side, against the same copy by one thread.

`python -m benchmarks.parts [--runs N]` prints medians, in the sandbox, with parts of 8 MiB.
"""

import argparse
import time
import uuid
from statistics import median
from typing import Any
from unittest import mock

from lambdas.remediator import parts
from lambdas.remediator.copying import Copying, Source
from lambdas.remediator.objects import Objects, Place
from local.sandbox import sandbox

MIB = 1024 * 1024
SIZE, THRESHOLD = 64 * MIB, 8 * MIB


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs a median is taken of")
    runs = parser.parse_args().runs
    side_by_side, alone = [], []
    with sandbox() as one:
        s3 = one.client("s3")
        source = _prepared(s3)
        for _ in range(runs):
            side_by_side.append(_seconds(s3, source, threads=parts.SIDE_BY_SIDE))
            alone.append(_seconds(s3, source, threads=1))
    ratio = median(side_by_side) / median(alone)
    print(f"medians of {runs} runs, {SIZE // MIB} MiB in parts of {THRESHOLD // MIB} MiB")
    print(f"{parts.SIDE_BY_SIDE} side by side {median(side_by_side):.2f} s")
    print(f"one after another {median(alone):.2f} s, ratio {ratio:.2f}")


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
