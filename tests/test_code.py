"""What holds for all of the code, whatever it does."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
A_SCREEN = 60


def _functions() -> Iterator[tuple[str, int]]:
    """Name every function with the number of its lines."""
    modules = [ROOT / "app.py"]
    for folder in ("stacks", "lambdas", "local", "scripts", "benchmarks"):
        modules += sorted((ROOT / folder).rglob("*.py"))
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
                yield f"{module.name}:{node.name}", node.end_lineno - node.lineno + 1


def test_no_function_is_longer_than_a_screen() -> None:
    functions = list(_functions())
    assert len(functions) > 500
    assert [name for name, lines in functions if lines > A_SCREEN] == []
