"""Rules of style that a program can check, each on one answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ragraft.documents.language import detect_language
from ragraft.verify.sentences import sentence_spans

__all__ = ["Pattern", "Rule", "Said", "word_count"]

_WORD = re.compile(r"\S*\w\S*")
_NUMBERED = re.compile(r"^\s*(\d{1,3})[.)]\s+(.*)$", re.MULTILINE)
_BULLET = re.compile(r"^\s*[-*+•–]\s+\S.*$", re.MULTILINE)
_MARKER = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*+•–])\s+", re.MULTILINE)
_VERB = (
    "is|are|am|was|were|do|does|did|can|could|may|might|must|shall|should|will|would|has|have|had"
    "|ist|sind|bin|war|waren|kann|können|darf|dürfen|muss|müssen|soll|sollen|hat|habe|haben|wird|werden|gibt|gilt"
)
_YES_NO = re.compile(
    rf"(?:(?:and|but|und|aber)\s+)?(?:(?:if|when|after|before|once|during|for|in|on|at|with|wenn|nach|vor|bei|für)"
    rf"\b[^?]*?,\s*)?(?:{_VERB})(?:n['’]t)?\s[^?]*\?",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"\b(?:or|oder)\b", re.IGNORECASE)


def word_count(text: str) -> int:
    """Return the words of a text; the number or bullet that begins a step is none."""
    return len(_WORD.findall(_MARKER.sub("", text)))


@dataclass(frozen=True)
class Said:
    """An answer and the question that it answers. `prose` is the answer without the lines that stand apart."""

    text: str
    prose: str
    question: str

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences of the prose, in order."""
        return [self.prose[start:end] for start, end in sentence_spans(self.prose)]


def _compiling(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return pattern


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_compiling)]
Phrases = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]


class Named(BaseModel):
    """What every rule has: the name that reports call it by."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1)

    def applies(self, said: Said) -> bool:
        """Return whether this rule says anything about an answer."""
        return True


class MaxWords(Named):
    """The answer has at most `most` words."""

    check: Literal["max_words"]
    most: Count

    def fault(self, said: Said) -> str | None:
        """Return what is wrong, or None."""
        count = word_count(said.prose)
        return f"{count} words, {self.most} are the most" if count > self.most else None


class SentenceWords(Named):
    """Each sentence, or the first one alone, has at most `most` words."""

    check: Literal["max_sentence_words"]
    most: Count
    first_only: bool = False

    def fault(self, said: Said) -> str | None:
        """Return what is wrong, or None."""
        for sentence in said.sentences[: 1 if self.first_only else None]:
            if (count := word_count(sentence)) > self.most:
                return f"a sentence of {count} words, {self.most} are the most: “{_start(sentence)}”"
        return None


class ForbiddenWords(Named):
    """None of `words` is in the answer, as a whole word or phrase, in whatever case."""

    check: Literal["forbidden_words"]
    words: Phrases

    def fault(self, said: Said) -> str | None:
        """Return what is wrong, or None."""
        text = " ".join(said.text.split())
        found = [one for one in self.words if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text, re.I)]
        return "has " + ", ".join(f"“{one}”" for one in found) if found else None


class ForbiddenOpenings(Named):
    """The answer does not begin with any of `openings`, in whatever case."""

    check: Literal["forbidden_openings"]
    openings: Phrases

    def fault(self, said: Said) -> str | None:
        """Return what is wrong, or None."""
        text = said.text.lstrip(" \n\t\"'“”‘’*_")
        found = next((one for one in self.openings if re.match(rf"{re.escape(one)}(?!\w)", text, re.I)), None)
        return f"opens with “{found}”" if found else None


class ForbiddenPattern(Named):
    """A regular expression is nowhere in the answer; ^ and $ are begin and end of a line."""

    check: Literal["forbidden_pattern"]
    pattern: Pattern

    def fault(self, said: Said) -> str | None:
        """Return what is wrong, or None."""
        found = re.search(self.pattern, said.text, re.MULTILINE)
        return f"has “{_start(found[0])}”" if found else None


class EndsWith(Named):
    """The last line of the answer is all of a regular expression."""

    check: Literal["ends_with"]
    pattern: Pattern

    def fault(self, said: Said) -> str | None:
        """Return what is wrong, or None."""
        last = said.text.rstrip().rpartition("\n")[2].strip()
        return None if re.fullmatch(self.pattern, last) else f"ends with “{_start(last)}”"


class Steps(Named):
    """A list is numbered 1., 2., 3. in order, of at most `most` steps of at most `most_words` words."""

    check: Literal["numbered_steps"]
    most: Count | None = None
    most_words: Count | None = None

    def applies(self, said: Said) -> bool:
        """Return whether there is a list."""
        return any(True for _ in self._lists(said))

    def fault(self, said: Said) -> str | None:
        """Return what is wrong, or None."""
        if bullet := _BULLET.search(said.prose):
            return f"a list without numbers: “{_start(bullet[0].strip())}”"
        found = _NUMBERED.findall(said.prose)
        numbers = [int(number) for number, _ in found]
        if numbers != list(range(1, len(numbers) + 1)):
            return f"steps are numbered {', '.join(map(str, numbers))}"
        if self.most is not None and len(found) > self.most:
            return f"{len(found)} steps, {self.most} are the most"
        for number, step in found:
            if self.most_words is not None and (count := word_count(step)) > self.most_words:
                return f"step {number} has {count} words, {self.most_words} are the most"
        return None

    def _lists(self, said: Said) -> Iterator[re.Match[str]]:
        yield from _NUMBERED.finditer(said.prose)
        yield from _BULLET.finditer(said.prose)


class YesNoFirst(Named):
    """A question for yes or no is answered with one of `words` as the first word.

    A question with "or" leaves a choice and is not taken for one.
    """

    check: Literal["yes_no_first"]
    words: Phrases = ["Yes", "No"]

    def applies(self, said: Said) -> bool:
        """Return whether the question, its last sentence, is one for yes or no."""
        asked = [said.question[start:end] for start, end in sentence_spans(said.question)]
        return bool(asked) and _YES_NO.match(asked[-1]) is not None and _CHOICE.search(asked[-1]) is None

    def fault(self, said: Said) -> str | None:
        """Return what is wrong, or None."""
        if any(re.match(rf"\s*{re.escape(word)}(?!\w)", said.text) for word in self.words):
            return None
        return f"begins with “{_start(said.text.strip(), 20)}”"


class Language(Named):
    """The answer is in a language, by its ISO 639-1 code. Of a short answer it cannot be told."""

    check: Literal["language"]
    code: str = Field(pattern=r"^[a-z]{2}$")

    def applies(self, said: Said) -> bool:
        """Return whether the language can be told."""
        return detect_language(said.prose) != ""

    def fault(self, said: Said) -> str | None:
        """Return what is wrong, or None."""
        found = detect_language(said.prose)
        return None if found == self.code else f"is in “{found}”"


Rule = Annotated[
    MaxWords
    | SentenceWords
    | ForbiddenWords
    | ForbiddenOpenings
    | ForbiddenPattern
    | EndsWith
    | Steps
    | YesNoFirst
    | Language,
    Field(discriminator="check"),
]


def _start(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[:most].rstrip() + "…"
