"""Files of examples, and what reads them, for the tests of everything between a file and a data set."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ragraft.models.files import chat_model_file
from ragraft.systems import Workbench
from ragraft.tune.examples import Intake
from ragraft.tune.masking import ChatEncoder, open_chat_encoder
from ragraft.tune.redact import Redactor
from ragraft.tune.store import ExampleStore
from ragraft.types import AccessLabel, Example, Message, Source


@lru_cache
def encoder() -> ChatEncoder:
    """The packaged model's: a third of a second to open."""
    return open_chat_encoder(chat_model_file())


@lru_cache
def redactor() -> Redactor:
    """One for all tests, for Presidio takes seconds to load; its counts go on and on."""
    return Redactor(key=b"key of a test" * 3)


def store(bench: Workbench) -> ExampleStore:
    return ExampleStore(database=bench.database, audit=bench.audit)


def intake(bench: Workbench, *, window: int = 8192, redact: bool = False) -> Intake:
    def opened(_allow: Iterable[str]) -> Redactor:
        return redactor()

    return Intake(
        store=store(bench), encoder=encoder(), window=window, open_redactor=opened if redact else None
    )


def lines(path: Path, *rows: Any) -> Path:
    """Write rows as JSON lines; a text stands as it is."""
    written = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(written) + "\n", encoding="utf-8")
    return path


def question(number: int, **more: Any) -> dict[str, Any]:
    words = [
        "lamp",
        "ladder",
        "kettle",
        "window",
        "bicycle",
        "printer",
        "garden",
        "locker",
        "parcel",
        "engine",
    ]
    thing = f"{words[number % 10]} {words[number // 10 % 10]}"
    return {
        "question": f"Where do I find the {thing}?",
        "answer": f"Beside the {thing} of hall {number}.",
        **more,
    }


def example(
    name: str,
    asked: str,
    answered: str,
    *,
    group: str = "",
    documents: tuple[str, ...] = (),
    groups: str = "",
    kind: str = "question",
) -> Example:
    return Example(
        name,
        kind,
        (Message("user", asked), Message("assistant", answered)),
        group or name,
        tuple(Source(document, 1) for document in documents),
        AccessLabel(frozenset(groups.split())),
    )
