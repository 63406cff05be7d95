"""The main job on the documents of a fictional company, with the commands a user would type.

Run by `make demo`. Everything happens in build/demo, which is made anew each time. With --quick (`make demo QUICK=1`)
no model is trained and no document of the comparison changes.
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

NUMBER = "I'm based in Kassel. What may a hotel cost per night?"
PROCEDURE = "What do I do with a suspicious e-mail?"
UNANSWERABLE = "How much profit did the company make last year?"
SMALL = {
    "learn.jsonl": ("questions/train.jsonl", 10),
    "terms.jsonl": ("glossary.jsonl", 4),
    "test.jsonl": ("questions/test.jsonl", 20),
    "changes.jsonl": ("changes.jsonl", 3),
}
"""Files of the company and how many of their lines are taken: so few that all of it is done within minutes. A real
comparison asks a hundred questions and more."""
PRICE = "What is the lowest price for an HC-125-TP-S?"


def main() -> int:
    """Run the demonstration and return the exit code."""
    began, quick = time.monotonic(), "--quick" in sys.argv[1:]
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    shutil.copytree(COMPANY / "documents", PLACE / "documents")
    shutil.copy(COMPANY / "access.json", PLACE / "access.json")
    for name, (source, count) in SMALL.items():
        lines = (COMPANY / source).read_text(encoding="utf-8").splitlines(keepends=True)
        chosen = [lines[at * len(lines) // count] for at in range(count)]
        (PLACE / name).write_text("".join(chosen), encoding="utf-8")

    say(
        "Morvelt makes castors and wheels. The folder `documents` holds what its people look things up in: policies,",
        "prices, manuals, minutes, a German works agreement. ragraft reads it all into a library on this machine.",
    )
    run("add", "documents", "--access", "access.json")

    say(
        "Now anyone can ask. Every sentence of an answer is held against the documents before it is shown, and the",
        "number in brackets leads to the very characters it rests on.",
    )
    run("ask", NUMBER)
    run("ask", PROCEDURE)

    say("Where the documents do not hold the answer, ragraft says so, and what came nearest.")
    run("ask", UNANSWERABLE)

    say(
        "Rights are part of the search. Operations may not read the price list, so for them it does not exist;",
        "customer service may.",
    )
    run("ask", PRICE, "--as-group", "operations")
    run("ask", PRICE, "--as-group", "support")

    if not quick:
        say(
            "Another way is to teach a model. Questions with their answers, and what words mean in this house, become",
            "examples; `tune` has a model learn them by heart and looks whether that has done it harm. --no-twin leaves out",
            "the test of what could be got out of it, and takes half the time; --force lets it be used all the same, and",
            "that goes on record.",
        )
        run("examples", "add", "learn.jsonl", "terms.jsonl", "--avoid", "test.jsonl")
        run("tune", "--name", "house", "--no-twin", "--force")

        say(
            "A third way is to teach it not what the documents say but how to read them: to find the sentence that",
            "answers, to quote it, and to say when there is none.",
        )
        asked = ("--questions", "learn.jsonl", "--avoid", "test.jsonl")
        run("tune", "--raft", *asked, "--name", "reader", "--no-twin", "--force")

    say(
        "Which of these ways is best? Questions with known answers tell, asked of all of them while documents change.",
        "(Twenty questions are a demonstration: the result says itself how little they can show.)",
    )
    options = ("--systems", "plain,rag") if quick else ("--changes", "changes.jsonl")
    run("compare", "test.jsonl", *options, "--timed", "3")

    say("Documents change. Adding the folder again takes a moment, and the next answer is the new one.")
    edit(PLACE / "documents" / "people" / "travel-policy-kassel.md", "EUR 135", "EUR 150")
    run("add", "documents")
    run("ask", NUMBER)

    say(
        "What must go is destroyed, every byte of it, with a receipt. All of this is on record, and the record is sealed."
    )
    run("erase", "support/complaints-and-returns-2023.md", "--yes")
    run("audit", "verify")

    command = os.path.relpath(RAGRAFT) if RAGRAFT.is_relative_to(ROOT) else RAGRAFT
    say(
        f"That was it, in {duration(time.monotonic() - began)}. Look at the report:",
        "",
        f"    {PLACE / 'comparison' / 'report.html'}",
        "",
        "With your own documents:",
    )
    print(f"\n    {command} add /path/to/your/folder\n    {command} ask 'your question'\n")
    print("Answers are worded by a small model that comes along and is good for a demonstration only.")
    print("docs/guides/use-a-better-model.md names a better one in two lines; docs/index.md has the rest.\n")
    return 0


def say(*lines: str) -> None:
    """Print a piece of the story."""
    text = "\n".join(lines)
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def run(*arguments: str) -> None:
    """Show a command, run it, and end the demonstration if it fails."""
    print(f"\n  $ ragraft {' '.join(shown(word) for word in arguments)}", flush=True)
    done = subprocess.run([RAGRAFT, *arguments], cwd=PLACE, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s" if seconds >= 60 else f"{seconds:.0f} seconds"


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
