"""Splits a file into passages, which locate a match as Macie does in a finding.

Source: Cell and Range in https://docs.aws.amazon.com/macie/latest/APIReference/findings-describe.html
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Protocol

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


class Passage(Protocol):
    """A piece of text that is examined by itself."""

    @property
    def text(self) -> str:
        """The text."""

    @property
    def context(self) -> str:
        """The text with the words near it."""

    def location(self, start: int) -> dict[str, Any]:
        """Return the location of a match that begins `start` characters into the text."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a text file. The first line has the number 1."""

    text: str
    number: int

    @property
    def context(self) -> str:
        """The line itself."""
        return self.text

    def location(self, start: int) -> dict[str, Any]:
        """Return the location as Macie's Range."""
        return {"start": self.number, "end": self.number, "startColumn": start + 1}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a CSV or TSV file. The row of column names has the number 1."""

    text: str
    row: int
    column: int
    column_name: str

    @property
    def context(self) -> str:
        """The cell's text, after the name of its column."""
        return f"{self.column_name} {self.text}"

    def location(self, _: int) -> dict[str, Any]:
        """Return the location as Macie's Cell."""
        return {
            "row": self.row,
            "column": self.column,
            "columnName": self.column_name,
            "cellReference": None,
        }


def passages(key: str, text: str) -> Iterator[Passage]:
    """Split an object's text: into cells if its key ends like a table's, else into lines.

    A malformed table is read as plain text, as Macie does.
    """
    delimiter = _DELIMITERS.get(PurePosixPath(key).suffix.lower())
    if delimiter is not None:
        try:
            rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
        except csv.Error:
            pass
        else:
            return _cells(rows)
    return (Line(text=line, number=number) for number, line in enumerate(text.split("\n"), start=1))


def _cells(rows: Sequence[Sequence[str]]) -> Iterator[Passage]:
    names = rows[0] if rows else ()
    for row, cells in enumerate(rows, start=1):
        for column, cell in enumerate(cells, start=1):
            name = names[column - 1] if column <= len(names) else ""
            yield Cell(text=cell, row=row, column=column, column_name=name)
