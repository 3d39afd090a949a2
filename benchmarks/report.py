"""What the benchmarks print."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

_SMALL = 10


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest of `values` that is not exceeded by `percent` of them."""
    return sorted(values)[ceil(len(values) * percent / 100) - 1]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return `rows`, of the same names, as a table in Markdown."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([_cell(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.2f}" if value < _SMALL else f"{value:.0f}"
