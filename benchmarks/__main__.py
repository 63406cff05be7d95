"""Runs every benchmark, one after another, each in a process of its own, and puts the figures on the page."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.page import refresh

NAMES = (
    *("embedding", "retrieval", "handbook", "verifier", "reader", "answers", "injection", "overhead"),
    *("redaction", "training_speed", "tuning", "retriever_tuning", "drift", "significance"),
    *("pace", "compare_speed", "comparing", "raft"),
    *("ingest", "pdf", "scale"),
)


def main() -> int:
    """Return 0 if every benchmark ran; targets that are missed are for the reader."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small part of each, to see that they run")
    chosen = parser.parse_args()
    failed = []
    for name in NAMES:
        print(f"\n== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *(["--quick"] if chosen.quick else [])]
        if subprocess.run(command, cwd=Path(__file__).parents[1]).returncode:
            failed.append(name)
    if not chosen.quick:
        refresh()
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
