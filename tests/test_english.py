"""Code and documents are in plain English: some words and some first words are not used."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("stacks", "lambdas", "local", "scripts", "benchmarks", "tests")
MODULES = [ROOT / "app.py", *(path for name in FOLDERS for path in ROOT.glob(f"{name}/**/*.py"))]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]

# A name in snake_case has its words between underscores.
BANNED_WORDS = re.compile(
    r"(?<![A-Za-z])(told|whisper\w*|wired|witness\w*|gist|agenda|stand-ins?|stand_ins?)(?![A-Za-z])",
    re.IGNORECASE,
)
BANNED_FIRST_WORDS = frozenset({"Answer", "Tell", "Have", "See", "Say"})
"""A docstring is in the imperative and names what the function does: Return, Raise, Create."""

EXCEPTIONS: Mapping[str, str] = {
    "benchmarks/naive/remediation_handler.py": "the naive handlers stay as they were measured",
    "benchmarks/naive/shared.py": "the naive handlers stay as they were measured first",
    "tests/test_english.py": "it lists the words",
}


def test_no_banned_word_is_used() -> None:
    assert sorted(_lines_with_banned_words()) == []


def test_no_docstring_begins_with_a_banned_word() -> None:
    assert sorted(_docstrings_with_banned_words()) == []


def test_every_exception_is_needed() -> None:
    for name in EXCEPTIONS:
        has_banned_word = BANNED_WORDS.search((ROOT / name).read_text())
        assert has_banned_word or [*_banned_docstrings(ROOT / name)], name


def _lines_with_banned_words() -> Iterator[str]:
    for path in (*MODULES, *DOCUMENTS):
        name = path.relative_to(ROOT).as_posix()
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if name not in EXCEPTIONS and BANNED_WORDS.search(line):
                yield f"{name}:{number}: {line.strip()}"


def _docstrings_with_banned_words() -> Iterator[str]:
    """Find docstrings of modules, classes, functions and attributes."""
    for path in MODULES:
        if path.relative_to(ROOT).as_posix() not in EXCEPTIONS:
            yield from _banned_docstrings(path)


def _banned_docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))) if _is_banned(text):
                yield f"{path.relative_to(ROOT).as_posix()}:{node.lineno}: {text.strip()}"


def _is_banned(docstring: str) -> bool:
    first, *_ = docstring.split() or [""]
    return first in BANNED_FIRST_WORDS
