"""Personal data found in 100 synthetic sentences, by type, beside Presidio's own defaults without a model.

A marked stretch is found if a stretch of the same type overlaps it; a found stretch is right if it overlaps a
marked one of its type. Recall and precision are shares of those, F1 their harmonic mean, and the interval of a
recall is Wilson's at 95 %. "Readable" is the share of a type's characters that would still stand there after
redaction, whatever the type it was found as: what a reader of the examples gets to see.

Types that are left as they are on purpose - places, companies, other dates than of birth, web addresses,
titles - are listed in the detail and not judged. Text without personal data shows the price: how much of it
would be changed all the same. The rules were written with these sentences at hand, so their figures are
kinder than unseen text would be.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import Figure, Report, at_least, at_most, run
from benchmarks.ground import DATA
from ragraft.tune.redact import Redactor

JUDGED = (
    "PERSON",
    "ADDRESS",
    "CREDIT_CARD",
    "EMAIL_ADDRESS",
    "IP_ADDRESS",
    "PHONE_NUMBER",
    "US_SSN",
    "US_DRIVER_LICENSE",
)
NUMBERS = ("CREDIT_CARD", "EMAIL_ADDRESS", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN")
SAME = {"BIRTH_DATE": "DATE_TIME", "URL": "DOMAIN_NAME"}
"""Names that the marked sentences have for types of the finders."""

PERSON_RECALL, PERSON_PRECISION = at_least(0.8), at_least(0.8)
NUMBER_RECALL = at_least(0.95)
CHANGED = at_most(0.5)
"""Stretches changed in 1,000 words that hold nothing personal."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text of some type."""

    type: str
    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Marked:
    """A sentence and what is personal in it."""

    text: str
    spans: tuple[Span, ...]


Finder = Callable[[str], Sequence[Span]]


def measure(*, sentences: Sequence[Marked], plain: Sequence[str]) -> Report:
    """Return recall, precision and F1 of ours beside Presidio's defaults."""
    report = Report(settings={"sentences": len(sentences), "plain texts": len(plain)})
    redactor = Redactor(key=b"a key of the benchmark's own")

    def ours(text: str) -> list[Span]:
        return [Span(SAME.get(one.type, one.type), one.start, one.end) for one in redactor.find(text)]

    peer = defaults_without_a_model()
    found = {"ours": [ours(one.text) for one in sentences], "peer": [peer(one.text) for one in sentences]}
    scores = {name: score(sentences, spans) for name, spans in found.items()}
    named = "Presidio's defaults, no model"
    for kind in JUDGED:
        mine, other = (scores[name].get(kind, Counts()) for name in ("ours", "peer"))
        if not mine.marked:
            continue
        low, high = wilson(mine.recalled, mine.marked)
        report.add(
            Figure(f"{kind} recall", mine.recall, target=PERSON_RECALL if kind == "PERSON" else None, reference=named,
                   reference_value=other.recall, note=f"{mine.recalled} of {mine.marked}, 95 %: {low:.2f} to {high:.2f}"),
            Figure(f"{kind} precision", mine.precision, target=PERSON_PRECISION if kind == "PERSON" else None,
                   reference=named, reference_value=other.precision, note=f"{mine.right} of {mine.found}"),
            Figure(f"{kind} F1", mine.f1, reference=named, reference_value=other.f1),
        )  # fmt: skip
    report.add(*(_overall(scores, named)))
    report.add(
        Figure("PERSON characters still readable", readable(sentences, found["ours"], "PERSON"), reference=named,
               reference_value=readable(sentences, found["peer"], "PERSON")),
        _changed(plain, ours, peer, named),
        _rate(sentences, ours, peer, named),
    )  # fmt: skip
    report.detail["all types"] = {
        name: {kind: counts.as_json() for kind, counts in sorted(kinds.items())}
        for name, kinds in scores.items()
    }
    return report


@dataclass(slots=True)
class Counts:
    """Stretches of one type: marked, of those found; found, of those right."""

    marked: int = 0
    recalled: int = 0
    found: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        return self.recalled / self.marked if self.marked else 0.0

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 0.0

    @property
    def f1(self) -> float:
        both = self.recall + self.precision
        return 2 * self.recall * self.precision / both if both else 0.0

    def as_json(self) -> dict[str, float]:
        return {
            "marked": self.marked,
            "recalled": self.recalled,
            "found": self.found,
            "right": self.right,
            "recall": round(self.recall, 3),
            "precision": round(self.precision, 3),
            "f1": round(self.f1, 3),
        }


def score(sentences: Sequence[Marked], found: Sequence[Sequence[Span]]) -> dict[str, Counts]:
    """Return the counts by type."""
    counts: dict[str, Counts] = defaultdict(Counts)
    for sentence, spans in zip(sentences, found, strict=True):
        for marked in sentence.spans:
            counts[marked.type].marked += 1
            counts[marked.type].recalled += any(
                one.type == marked.type and one.overlaps(marked) for one in spans
            )
        for one in spans:
            counts[one.type].found += 1
            counts[one.type].right += any(
                marked.type == one.type and one.overlaps(marked) for marked in sentence.spans
            )
    return dict(counts)


def readable(sentences: Sequence[Marked], found: Sequence[Sequence[Span]], kind: str) -> float:
    """Return the share of the marked characters of a type that no found stretch covers."""
    marked, left = 0, 0
    for sentence, spans in zip(sentences, found, strict=True):
        covered = {at for one in spans for at in range(one.start, one.end)}
        for span in sentence.spans:
            if span.type == kind:
                marked += span.end - span.start
                left += len(set(range(span.start, span.end)) - covered)
    return left / marked if marked else 0.0


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    z = 1.96
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return middle - half, middle + half


def defaults_without_a_model() -> Finder:
    """Return Presidio as it comes, with its engine that loads no language model, and kept off the network."""
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    # Its recogniser of e-mail addresses would ask the network for a list of domains; this is the list it ships.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    model = {"nlp_engine_name": "no_op", "models": [{"lang_code": "en", "model_name": "no_op"}]}
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("SpacyRecognizer")  # it reads a model's findings
    analyzer = AnalyzerEngine(
        registry=registry, nlp_engine=NlpEngineProvider(nlp_configuration=model).create_engine()
    )

    def find(text: str) -> list[Span]:
        found = analyzer.analyze(text, language="en")
        return [Span(SAME.get(one.entity_type, one.entity_type), one.start, one.end) for one in found]

    return find


def _overall(scores: dict[str, dict[str, Counts]], named: str) -> Iterable[Figure]:
    totals = {
        name: sum((Counter(kinds[kind].as_json()) for kind in NUMBERS if kind in kinds), Counter())
        for name, kinds in scores.items()
    }
    mine, other = (total["recalled"] / total["marked"] for total in totals.values())
    yield Figure("numbers and addresses recall", mine, target=NUMBER_RECALL, reference=named, reference_value=other,
                 note=f"{', '.join(NUMBERS)}: {totals['ours']['recalled']} of {totals['ours']['marked']}")  # fmt: skip


def _changed(plain: Sequence[str], ours: Finder, peer: Finder, named: str) -> Figure:
    words = sum(len(text.split()) for text in plain) / 1000
    mine, other = (sum(len(find(text)) for text in plain) / words for find in (ours, peer))
    return Figure("changed without need", mine, "per 1,000 words", CHANGED, named, other,
                  note=f"{words:.1f} thousand words of bank customers' questions")  # fmt: skip


def _rate(sentences: Sequence[Marked], ours: Finder, peer: Finder, named: str) -> Figure:
    rates = []
    for find in (ours, peer):
        began = time.perf_counter()
        for sentence in sentences:
            find(sentence.text)
        rates.append(len(sentences) / (time.perf_counter() - began))
    return Figure("sentences per second", rates[0], reference=named, reference_value=rates[1])


def _sentences() -> list[Marked]:
    rows: list[dict[str, Any]] = json.loads((DATA / "presidio-pii/generated_small.json").read_text("utf-8"))
    return [
        Marked(
            row["full_text"],
            tuple(
                Span(span["entity_type"], span["start_position"], span["end_position"])
                for span in row["spans"]
            ),
        )
        for row in rows
    ]


def _plain(count: int) -> list[str]:
    with (DATA / "banking77/test.csv").open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)][:count]


def _measure(chosen: argparse.Namespace) -> Report:
    return measure(sentences=_sentences(), plain=_plain(50 if chosen.quick else 10_000))


if __name__ == "__main__":
    sys.exit(run("redaction", _measure, about="personal data found in sentences, by type"))
