"""What models say to prompts, kept in a file: a run that was stopped asks nothing twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

from benchmarks.comparing_pace import Pace
from ragraft.models.files import fingerprint
from ragraft.models.local import LocalChatModel
from ragraft.protocols import WritesTogether
from ragraft.tune.counting import TokenCounter
from ragraft.types import Completion, Message, Usage

__all__ = ["KeptModel"]

BATCH = 16
Open = Callable[[Path], WritesTogether]


def _together(path: Path) -> WritesTogether:
    return LocalChatModel(path, prefix_caching=True)


class KeptModel:
    """A model whose completions are kept; it is opened when one is missing. Fits ChatModel and WritesTogether."""

    def __init__(self, path: Path, *, name: str, kept: Path, open_model: Open = _together) -> None:
        self.name = f"{name}@{fingerprint([path])}"
        self._path, self._open, self._kept = path, open_model, kept
        self._counter = TokenCounter(path)
        self.window = self._counter.window
        self._known = _read(kept)

    @cached_property
    def _model(self) -> WritesTogether:
        return self._open(self._path)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the tokens of a prompt, counted without the model."""
        return self._counter.count_tokens(messages)

    def generate(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """Return the completion of one prompt, as a whole."""
        made = self.generate_many([messages], max_tokens=max_tokens)[0]
        if on_text is not None:
            on_text(made.text)
        return made

    def generate_many(
        self, conversations: Sequence[Sequence[Message]], *, max_tokens: int
    ) -> list[Completion]:
        """Return the completion of each prompt, in order; those that are missing are asked for together."""
        keys = [self._key(messages, max_tokens) for messages in conversations]
        wanted = dict(zip(keys, conversations, strict=True))
        missing = [key for key in wanted if key not in self._known]
        pace = Pace()
        if missing:
            pace.stage(f"{self.name}: {len(missing)} answers of {len(wanted)} are to be made")
        for at in range(0, len(missing), BATCH):
            block = missing[at : at + BATCH]
            made = self._model.generate_many([wanted[key] for key in block], max_tokens=max_tokens)
            self._keep(dict(zip(block, made, strict=True)))
            pace.steps(at + len(block), len(missing))
        return [self._known[key] for key in keys]

    def _key(self, messages: Sequence[Message], max_tokens: int) -> str:
        told = [self.name, max_tokens, [asdict(one) for one in messages]]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def _keep(self, made: dict[str, Completion]) -> None:
        self._known |= made
        self._kept.parent.mkdir(parents=True, exist_ok=True)
        with self._kept.open("a", encoding="utf-8") as file:
            for key, one in made.items():
                file.write(json.dumps({"key": key, **asdict(one)}, ensure_ascii=False) + "\n")


def _read(kept: Path) -> dict[str, Completion]:
    """Return the completions of a file by their keys; a line that a killed run left half is left out."""
    found = {}
    for line in kept.read_text(encoding="utf-8").split("\n") if kept.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        found[row["key"]] = Completion(row["text"], Usage(**row["usage"]), row["finish"])
    return found
