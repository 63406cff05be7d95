"""Tokens per second of adding the handbook's files, beside LlamaIndex with the same model on as many threads.

Both read the same folder, cut it, embed it with the same all-MiniLM-L6-v2, and index it; ours also tells
the language, weighs the words, and commits every document, its rights and its audit entry to a PostgreSQL
on disk, where LlamaIndex keeps vectors in memory. Models are loaded and warmed before the clock starts;
runs alternate; a figure is the median of the runs.

A token counts if it can be found afterwards: it is in the files, in MiniLM's own count, was read by the
model, and is counted once however often it was embedded (overlap, headings). LlamaIndex is measured twice.
As it comes it cuts chunks of 1,024 tokens, of which this model reads the first 256 and nothing says so: it
is quick because it leaves most of the text out. With chunks that fit the model it indexes all of it. The
plain comparison by the clock is given too, and is no target: it rewards leaving text out.

The last figure is a whole `ragraft add` in a new process and a new workspace, with everything that has to be
started for it, calibration included.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Report, at_least_times, run, say
from benchmarks.ground import DATA
from benchmarks.world import calibrate, new_library, open_library, server_of
from ragraft.access.labels import OWNER, AccessRules
from ragraft.documents.sync import SyncReport
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.files import EMBEDDER_NAME, embedder_folder

TARGET = at_least_times(3)
PEER_PYTHON = Path(__file__).resolve().parents[2] / "venv-bench" / "bin" / "python"
PEER_SECONDS = 600
PEERS = {"LlamaIndex as it comes": 0, "LlamaIndex, chunks that fit": 220}
"""Name and chunk size, 0 for the default."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How many rounds, and how many of the 80 files."""

    rounds: int = 3
    files: int | None = None


QUICK = Scale(rounds=1, files=12)


def measure(scale: Scale, *, peer_python: Path, threads: int) -> Report:
    """Return the figures; without the peer's Python ours stand alone."""
    with tempfile.TemporaryDirectory(prefix="ragraft-corpus-") as folder:
        corpus = _corpus(Path(folder) / "documents", scale.files)
        embedder = OpenVinoEmbedder(embedder_folder(), name=EMBEDDER_NAME, threads=threads)
        tokens = _tokens(corpus, embedder)
        report = Report(settings={"tokens": tokens, "threads": threads, "rounds": scale.rounds})
        peer = _peer(peer_python)
        runs: dict[str, list[float]] = {"ours": [], "calibrating": [], **{name: [] for name in PEERS}}
        known: dict[str, int] = {}
        for _ in range(scale.rounds):
            added, weighing = _add(corpus, embedder)
            runs["ours"].append(added.seconds)
            runs["calibrating"].append(weighing)
            say(f"ours: {added.chunks} passages in {added.seconds:.1f} s")
            if peer is None:
                continue
            for name, chunk_size in PEERS.items():
                found = peer(corpus, threads, chunk_size)
                runs[name].append(found["seconds"])
                known[name] = min(tokens, found["tokens_read"])
                report.detail[name] = found
                say(f"{name}: {found['chunks']} chunks in {found['seconds']:.1f} s")
        report.detail |= {"runs": runs, "passages": added.chunks, "tokens embedded": added.tokens}
        report.add(*_figures(tokens, runs, known, added), _whole_command(corpus, tokens))
    return report


def _figures(
    tokens: int, runs: dict[str, list[float]], known: dict[str, int], added: SyncReport
) -> list[Figure]:
    seconds = {name: statistics.median(each) for name, each in runs.items() if each}
    ours, note = tokens / seconds["ours"], f"{added.chunks} passages in {seconds['ours']:.1f} s"
    figures = [Figure("adding a folder", ours, "tokens/s", note=note)]
    for name, found in known.items():
        left_out = f"{1 - found / tokens:.0%} of the text left out" if found < tokens else "all of the text"
        figures.append(
            Figure(
                "adding a folder",
                ours,
                "tokens/s",
                target=TARGET,
                reference=name,
                reference_value=found / seconds[name],
                note=f"the reference took {seconds[name]:.1f} s, {left_out}",
            )
        )
    clock = "LlamaIndex as it comes"
    if clock in known:
        figures.append(
            Figure(
                "by the clock alone", seconds["ours"], "s", reference=clock, reference_value=seconds[clock]
            )
        )
    return [*figures, Figure("calibrating the fusion afterwards", seconds["calibrating"], "s")]


def _corpus(folder: Path, files: int | None) -> Path:
    """Copy the handbook's files, or the first of them, so that a part of it is a folder too."""
    source = DATA / "handbook" / "documents"
    for path in sorted(source.rglob("*.md"))[:files]:
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def _tokens(corpus: Path, embedder: OpenVinoEmbedder) -> int:
    texts = [path.read_text("utf-8") for path in corpus.rglob("*.md")]
    return sum(embedder.count_tokens(texts)) - 2 * len(texts)  # less the two special ones of each


def _add(corpus: Path, embedder: OpenVinoEmbedder) -> tuple[SyncReport, float]:
    """Add the corpus to a new library; return the report and the seconds that calibrating took."""
    with new_library(embedder=embedder) as bench:
        bench.library.status(OWNER)  # starts and migrates the database
        embedder.embed(["A first text, so that nothing is loaded while the clock runs."])
        report = bench.sync.add_path(corpus, rules=AccessRules(), caller=OWNER)
        if report.failed:
            raise RuntimeError(f"{len(report.failed)} files were refused: {report.failed[0]}")
        return report, calibrate(bench)


def _peer(python: Path) -> Callable[[Path, int, int], dict[str, Any]] | None:
    """Return a run of the peer, or None, saying so, if it is not installed."""
    found = python.is_file() and subprocess.run(
        [python, "-c", "import llama_index.core, llama_index.embeddings.huggingface"], capture_output=True
    )
    if not found or found.returncode != 0:
        say(f"LlamaIndex is left out: {python} does not have it (--peer-python names one that does)")
        return None
    quiet = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}

    def index(corpus: Path, threads: int, chunk_size: int) -> dict[str, Any]:
        script = Path(__file__).with_name("ingest_peer.py")
        done = subprocess.run(
            [python, script, corpus, embedder_folder(), str(threads), str(chunk_size)],
            env={**os.environ, **quiet, "OMP_NUM_THREADS": str(threads)},
            capture_output=True,
            text=True,
            timeout=PEER_SECONDS,
        )
        if done.returncode != 0:
            raise RuntimeError(f"LlamaIndex failed: {done.stderr[-2000:]}")
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result

    return index


def _whole_command(corpus: Path, tokens: int) -> Figure:
    """Time `ragraft add` as a user runs it in an empty folder, until it has come back."""
    with tempfile.TemporaryDirectory(prefix="ragraft-bench-") as folder:
        root = Path(folder) / "workspace"
        environment = {name: v for name, v in os.environ.items() if not name.startswith("RAGRAFT_")}
        program = "from ragraft.cli.main import main; main()"
        command = [sys.executable, "-c", program, "add", str(corpus), "--workspace", str(root), "--json"]
        began = time.perf_counter()
        done = subprocess.run(command, env=environment, check=True, capture_output=True)
        seconds = time.perf_counter() - began
        with open_library(root) as bench:
            server_of(bench).stop()
    if json.loads(done.stdout)["failed"]:
        raise RuntimeError(f"files were refused: {done.stdout.decode()}")
    return Figure(
        "`ragraft add` from nothing, as a new process", tokens / seconds, "tokens/s", note=f"{seconds:.1f} s"
    )


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--peer-python", type=Path, default=PEER_PYTHON, help="a Python that has LlamaIndex")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="for both sides")


def _measure(chosen: argparse.Namespace) -> Report:
    scale = QUICK if chosen.quick else Scale()
    return measure(scale, peer_python=chosen.peer_python, threads=chosen.threads)


if __name__ == "__main__":
    sys.exit(run("ingest", _measure, about="tokens per second of adding a folder", options=_options))
