"""The main job on the documents of a fictional company, with the commands a user would type.

Run by `make demo`. Everything happens in build/demo, which is made anew each time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPANY = ROOT / "examples" / "company"
PLACE = ROOT / "build" / "demo"
RAGRAFT = Path(sys.executable).with_name("ragraft")


def main() -> int:
    """Run the demonstration and return the exit code."""
    began = time.monotonic()
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    shutil.copytree(COMPANY / "documents", PLACE / "documents")
    shutil.copy(COMPANY / "access.json", PLACE / "access.json")

    say(
        "Morvelt makes castors and wheels. These are its documents: policies, prices, a manual, a mail, a calendar."
    )
    run("add", "documents", "--access", "access.json")

    say("Ask something. The number in brackets leads to the exact place in the documents.")
    question = "I'm based in Kassel. What may a hotel cost per night?"
    run("ask", question)

    say("Rights are part of the search: operations must not see the price list, customer service may.")
    price = "How cheap may we sell an HC-125-TP-S?"
    run("search", price, "--limit", "1", "--as-group", "operations")
    run("search", price, "--limit", "1", "--as-group", "support")

    say("Documents change. Adding the folder again takes seconds, and the next question sees the new text.")
    edit(PLACE / "documents" / "people" / "travel-policy-kassel.md", "EUR 135", "EUR 150")
    run("add", "documents")
    run("ask", question)

    say("Erasing destroys a document, every byte of it, and gives a receipt.")
    run("erase", "support/complaints-and-returns-2023.md", "--yes")
    run("audit", "verify")

    print(f"\nDone in {time.monotonic() - began:.0f} s. With your own folder:\n")
    command = os.path.relpath(RAGRAFT) if RAGRAFT.is_relative_to(ROOT) else RAGRAFT
    print(f"    {command} add /path/to/your/documents\n    {command} ask 'your question'\n")
    return 0


def say(text: str) -> None:
    """Print a line of the story."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def run(*arguments: str) -> None:
    """Show a command, run it, and end the demonstration if it fails."""
    print(f"\n  $ ragraft {' '.join(shown(word) for word in arguments)}", flush=True)
    done = subprocess.run([RAGRAFT, *arguments], cwd=PLACE, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def shown(word: str) -> str:
    """Return an argument as one would type it."""
    quote = '"' if "'" in word else "'"
    return f"{quote}{word}{quote}" if " " in word else word


def edit(page: Path, old: str, new: str) -> None:
    """Change a figure in a page and say so."""
    page.write_text(page.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    print(f"\n  (changed in {page.name}: {old} is now {new})", flush=True)


if __name__ == "__main__":
    sys.exit(main())
