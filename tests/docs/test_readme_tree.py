"""The README's tree names the folders that exist, each with a caption."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from markdown_pages import ROOT, blocks, project_files

HEADING = "## Where things are"
OPENED = ("docs", "examples", "src/ragraft")
"""Folders whose own folders are named as well."""


def tree_faults(readme: str, files: Sequence[str]) -> list[str]:
    """Return what is wrong with the tree of a README, for a project of these files."""
    _, heading, rest = readme.partition(f"\n{HEADING}\n")
    tree = next(blocks(rest.partition("\n## ")[0]), None)
    if not heading or tree is None:
        return [f"there is no fenced block under the heading {HEADING!r}"]
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."}
    wanted = {folder for folder in folders if "/" not in folder or _is_in_opened(folder)}
    named: list[str] = []
    faults = []
    for line in filter(str.strip, tree.text.splitlines()):
        match = re.fullmatch(r"(\S+)/\s+\S.*", line.strip())
        if match is None:
            faults.append(f"not a folder with a caption: {line.strip()}")
            continue
        named.append(match[1])
    # A folder that holds but one other is named by naming that one: src/ragraft/ stands for src/ too.
    covered = {str(parent) for name in named if name in OPENED for parent in PurePosixPath(name).parents}
    faults += [f"missing: {folder}/" for folder in sorted(wanted - set(named) - covered)]
    faults += [f"no such folder: {folder}/" for folder in sorted(set(named) - folders)]
    faults += [
        f"named twice: {folder}/" for folder in sorted({name for name in named if named.count(name) > 1})
    ]
    return faults


def _is_in_opened(folder: str) -> bool:
    return str(PurePosixPath(folder).parent) in OPENED


def test_the_readme_s_tree_names_exactly_the_folders_that_exist() -> None:
    files = [path.relative_to(ROOT).as_posix() for path in project_files()]
    assert tree_faults((ROOT / "README.md").read_text(encoding="utf-8"), files) == []


FILES = ["README.md", "src/ragraft/answer/rag.py", "src/ragraft/types.py", "tests/answer/test_rag.py"]
TREE = f"# x\n\n{HEADING}\n\n```\nsrc/ragraft/answer/   answers\nsrc/ragraft/   the package\ntests/   tests\n```\n"


def test_a_complete_tree_has_no_fault() -> None:
    assert tree_faults(TREE, FILES) == []


def test_a_missing_folder_is_a_fault() -> None:
    assert tree_faults(TREE, [*FILES, "src/ragraft/retrieve/fuse.py"]) == ["missing: src/ragraft/retrieve/"]


def test_a_missing_top_folder_is_a_fault() -> None:
    assert tree_faults(TREE, [*FILES, "benchmarks/run.py"]) == ["missing: benchmarks/"]


def test_a_folder_that_is_not_there_is_a_fault() -> None:
    tree = TREE.replace("tests/ ", "tests/   tests\nsrc/ragraft/desk/ ")
    assert tree_faults(tree, FILES) == ["no such folder: src/ragraft/desk/"]


def test_a_folder_named_twice_is_a_fault() -> None:
    assert tree_faults(TREE.replace("tests/ ", "tests/   tests\ntests/ "), FILES) == ["named twice: tests/"]


def test_a_folder_without_a_caption_is_a_fault() -> None:
    faults = tree_faults(TREE.replace("tests/   tests", "tests/"), FILES)
    assert faults == ["not a folder with a caption: tests/", "missing: tests/"]


def test_a_readme_without_a_tree_is_a_fault() -> None:
    assert tree_faults("# x\n", FILES) != []
