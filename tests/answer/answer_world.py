"""Passages and scripted judges, for the tests of what is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ragraft.retrieve.lexical import terms
from ragraft.types import Chunk, Finding, Passage, Reading, Support

READ_AT = datetime(2026, 1, 1, tzinfo=UTC)


def passage(
    text: str,
    *,
    uri: str = "menu.md",
    title: str = "Menu",
    context: str = "",
    start: int = 0,
    page: int | None = None,
) -> Passage:
    """Return a passage that begins `start` characters into its document."""
    chunk = Chunk(start, start + len(text), text, context, page)
    return Passage(chunk, uri, title, 1, 1.0, READ_AT)


def stems(text: str) -> list[str]:
    return terms(text, language="en")


class ScriptedVerifier:
    """Finds what it was told to: by sentence, the support in each passage that has one; else nothing.

    A passage is known by its text, so that its number does not matter. `asked` keeps the questions.
    """

    def __init__(self, script: Mapping[str, Mapping[str, Support] | Support]) -> None:
        self._script = script
        self.asked: list[str] = []

    def check(
        self, sentences: Sequence[str], *, passages: Sequence[Passage], question: str = ""
    ) -> list[Finding]:
        self.asked.append(question)
        return [self._find(sentence, passages) for sentence in sentences]

    def _find(self, sentence: str, passages: Sequence[Passage]) -> Finding:
        told = self._script.get(sentence, "not_found" if sentence else "no_claim")
        if isinstance(told, str):
            return Finding(told, 0.0, None, 0, 0, f"it is {told}")
        found = [(told[one.chunk.text], at) for at, one in enumerate(passages) if one.chunk.text in told]
        found.sort(key=lambda pair: pair[0] != "supported")
        if not found:
            return Finding("not_found", 0.0, None, 0, 0, "no passage says it")
        support, at = found[0]
        return Finding(support, 0.5, at, 0, len(passages[at].chunk.text), f"the passage: {support}")


class ScriptedReader:
    """Finds the answer where it was told to: by text found in a passage, how sure it is."""

    name = "scripted-reader"

    def __init__(self, script: Mapping[str, float]) -> None:
        self._script = script
        self.asked: list[str] = []

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        self.asked.append(question)
        return [self._read(text) for text in texts]

    def _read(self, text: str) -> Reading:
        for words, sure in self._script.items():
            if words in text:
                start = text.index(words)
                return Reading(sure, sure, start, start + len(words), sure)
        return Reading(0.1, 0.1, 0, 0, 0.0)
