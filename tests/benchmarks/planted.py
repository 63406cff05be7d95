"""Parts that are right or wrong on purpose, for tests of whether a benchmark tells them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragraft.types import Finding, Passage, Reading, Support


class KnowingReader:
    """Knows what answers each question: sure of a text that holds the words, and finds them there."""

    name = "knowing-reader"

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._answers = answers

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        return [self._read(text, self._answers.get(question)) for text in texts]

    def _read(self, text: str, answer: str | None) -> Reading:
        if answer is None or answer not in text:
            return Reading(0.1, 0.1, 0, 1, 0.1)
        start = text.index(answer)
        return Reading(0.9, 0.9, start, start + len(answer), 0.9)


class MistakenReader(KnowingReader):
    """Takes every text that holds the answer for one that does not, and the other way round."""

    name = "mistaken-reader"

    def _read(self, text: str, answer: str | None) -> Reading:
        right = answer is not None and answer in text
        return Reading(0.1, 0.1, 0, 1, 0.1) if right else Reading(0.9, 0.9, 0, 1, 0.9)


class OneMindedVerifier:
    """Says the same of every sentence, with the whole first passage for evidence."""

    def __init__(self, support: Support) -> None:
        self._support = support

    def check(
        self, sentences: Sequence[str], *, passages: Sequence[Passage], question: str = ""
    ) -> list[Finding]:
        end = len(passages[0].chunk.text)
        return [Finding(self._support, 0.5, 0, 0, end, "it is always so") for _ in sentences]
