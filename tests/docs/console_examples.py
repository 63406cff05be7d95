"""Runs the examples of a page as a reader would: in one shell, in a folder with the example company's files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from markdown_pages import ROOT, blocks

from ragraft.database.embedded import EmbeddedServer

MARK = "\x1e"
SECONDS = 240


@dataclass(frozen=True, slots=True)
class Example:
    """A command of a page and the output that the page shows, if any."""

    line: int
    command: str
    shown: str

    @property
    def expected_exit(self) -> int:
        """Return the exit code that the shown output lets a reader expect."""
        mistake = re.search(r"^[eE]rror:", self.shown, re.MULTILINE)
        nothing_done = self.shown.startswith("0 added, 0 replaced, 0 removed, 0 unchanged")
        return 2 if mistake or (nothing_done and "\nnot read " in self.shown) else 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running an example gave."""

    example: Example
    exit_code: int
    output: str


def examples(text: str) -> list[Example]:
    """Return the commands of the ```console blocks; what must not run stands in ```text blocks."""
    found = []
    for block in blocks(text):
        if block.kind != "console":
            continue
        parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
        for part in parts:
            command, _, shown = part.partition("\n")
            found.append(Example(block.line, command, shown.strip("\n")))
    return found


@contextmanager
def reader_folder(place: Path) -> Iterator[Path]:
    """Yield a folder as the guides describe it; a database started in it is stopped at the end."""
    company = ROOT / "examples" / "company"
    shutil.copytree(company / "documents", place / "documents")
    shutil.copy(company / "access.json", place)
    try:
        yield place
    finally:
        EmbeddedServer(place / ".ragraft" / "postgres").stop()


def run_examples(found: list[Example], *, place: Path) -> list[Outcome]:
    """Run the commands one after another in one shell and return what each gave."""
    script = "".join(f"{one.command}\nprintf '\\036%s\\036' $?\n" for one in found)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=place,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "COLUMNS": "110",
            "LC_ALL": "C.UTF-8",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        check=False,
    )
    pieces = done.stdout.decode().split(MARK)
    return [
        Outcome(example, int(code), output)
        for example, output, code in zip(found, pieces[::2], pieces[1::2], strict=False)
    ]


def agrees(shown: str, output: str) -> bool:
    """Return whether an output is the one shown: numbers and white space aside, `...` being anything."""
    pattern = ".*".join(re.escape(_plain(part)) for part in re.split(r"\.\.\.|…", shown))
    return re.fullmatch(pattern, _plain(output), re.DOTALL) is not None


def _plain(text: str) -> str:
    words = re.sub(r"\d+(?:[.,:]\d+)*", "0", text).split()
    return " ".join(words)
