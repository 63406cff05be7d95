"""Runs the examples of a page, in a folder with the example company's files, as its reader would."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_pages import ROOT, blocks

from ragraft.cli.main import run
from ragraft.database.embedded import EmbeddedServer

ENVIRONMENT = {
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "COLUMNS": "110",
    "LC_ALL": "C.UTF-8",
}
NEEDS_SHELL = re.compile(r"[$|<>;&`]|^\w+=")


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
    """What running an example gave: its exit code, standard output, and that with standard error in it."""

    exit_code: int
    output: str
    everything: str


def examples(text: str) -> list[Example]:
    """Return the commands of the ```console blocks; what must not run stands in ```text blocks."""
    found = []
    for block in blocks(text):
        if block.kind != "console":
            continue
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append(Example(block.line, command, shown.strip("\n")))
    return found


@contextmanager
def reader_folder(place: Path) -> Iterator[Path]:
    """Make a folder as the guides describe it the current one; what runs in it is stopped at the end."""
    company = ROOT / "examples" / "company"
    shutil.copytree(company / "documents", place / "documents")
    shutil.copytree(company / "questions", place / "questions")
    shutil.copy(company / "access.json", place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        try:
            yield place
        finally:
            EmbeddedServer(place / ".ragraft" / "postgres").stop()


def run_example(example: Example) -> Outcome:
    """Run a command in the current folder: ragraft in this process, which saves starting it, else a shell."""
    if NEEDS_SHELL.search(example.command) or not example.command.startswith("ragraft "):
        done = subprocess.run(
            ["bash", "-c", example.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stdout.decode())
    everything = io.StringIO()
    output = Both(everything)
    with redirect_stdout(output), redirect_stderr(everything):
        code = run(shlex.split(example.command)[1:])
    return Outcome(code, output.getvalue(), everything.getvalue())


class Both(io.StringIO):
    """Keeps what is written and writes it to another as well."""

    def __init__(self, other: io.StringIO) -> None:
        super().__init__()
        self._other = other

    def write(self, text: str) -> int:
        self._other.write(text)
        return super().write(text)


def agrees(shown: str, output: str) -> bool:
    """Return whether an output is the one shown: numbers and white space aside, `...` being anything."""
    pattern = ".*".join(re.escape(_plain(part)) for part in re.split(r"\.\.\.|…", shown))
    return re.fullmatch(pattern, _plain(output), re.DOTALL) is not None


def _plain(text: str) -> str:
    return " ".join(re.sub(r"\d+(?:[.,:]\d+)*", "0", text).split())
