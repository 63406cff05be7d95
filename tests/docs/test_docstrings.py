"""Every module says what it is for, and docstrings begin with a sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_pages import ROOT

MODULES = sorted((ROOT / "src").rglob("*.py"))
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public_docstrings(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the docstring of everything public in a module that has one."""
    if isinstance(node, Documented):
        name = getattr(node, "name", "")
        if name.startswith("_") and not name.startswith("__"):
            return
        if text := ast.get_docstring(node):
            yield getattr(node, "lineno", 1), text
    for child in ast.iter_child_nodes(node):
        yield from public_docstrings(child)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_a_module_has_a_docstring(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_the_first_line_of_a_public_docstring_ends_with_a_period(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = public_docstrings(tree)
    assert [
        (line, text.splitlines()[0]) for line, text in found if not text.splitlines()[0].endswith(".")
    ] == []


def test_a_docstring_without_a_period_is_seen() -> None:
    tree = ast.parse('"""Good."""\nclass A:\n    """Good."""\n    def b(self):\n        """bad"""\n')
    assert [text for _, text in public_docstrings(tree)] == ["Good.", "Good.", "bad"]
