"""A made-up comparison of five systems on sixty questions about a company's house rules.

Nothing in it was measured. It is drawn from a seed, and its shape is one that could be: what looks things up follows
changes, what was trained on them does not.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from report_parts import (
    PLACES,
    SUBJECTS,
    TRAITS,
    Trait,
    made_up_arm,
    made_up_freshness,
    made_up_latency,
    made_up_leakage,
    made_up_prices,
    made_up_use,
)

from ragraft.compare.choosing import Month
from ragraft.compare.cost import break_even, system_cost
from ragraft.compare.decide import decide
from ragraft.compare.results import (
    Cited,
    Claim,
    Given,
    Report,
    Said,
    Verdict,
)
from ragraft.compare.statistics import Comparison, Scores, compare_scores
from ragraft.types import Evidence, Question

__all__ = ["made_up_report"]


MADE_AT = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


def made_up_report(*, questions: int = 60, systems: int = 5, seed: int = 3, hostile: str = "") -> Report:
    """Return a comparison drawn from a seed; `hostile` is put wherever a document or a person could have put it."""
    luck = random.Random(seed)
    asked = tuple(_question(number, hostile) for number in range(questions))
    names = _names(systems)
    said = {
        name: tuple(_said(TRAITS[kind], one, luck, hostile) for one in asked) for name, kind in names.items()
    }
    marks = {name: _marks(asked, said[name]) for name in names}
    prices = made_up_prices()
    uses = {name: made_up_use(name, kind) for name, kind in names.items()}
    arms = tuple(made_up_arm(name, kind, uses[name]) for name, kind in names.items())
    freshness = tuple(made_up_freshness(name, TRAITS[kind], luck, hostile) for name, kind in names.items())
    leakage = tuple(made_up_leakage(name, kind, hostile) for name, kind in names.items())
    latencies = tuple(made_up_latency(name, TRAITS[kind]) for name, kind in names.items())
    comparisons = _comparisons(asked, marks)
    verdict = decide(
        arms=arms,
        comparisons=comparisons,
        freshness=freshness,
        leakage=leakage,
        latencies=latencies,
        prices=prices,
        month=Month(1000.0, 3.0),
    )
    return Report(
        made_at=MADE_AT,
        version="0.1.0",
        questions_file=f"questions/test.jsonl{hostile}",
        fingerprint="3f9ad1c27be0",
        questions=asked,
        arms=arms,
        said=said,
        marks=marks,
        comparisons=comparisons,
        strata=_strata(asked, luck),
        latencies=latencies,
        freshness=freshness,
        leakage=leakage,
        prices=prices,
        costs=tuple(system_cost(use, prices) for use in uses.values()),
        break_evens=tuple(
            break_even(uses[one], uses[other], prices)
            for place, one in enumerate(names)
            for other in list(names)[place + 1 :]
        ),
        verdict=_with_hostile(verdict, hostile),
        settings={"margin": 0.05, "passages": 5, "answer_tokens": 160, "batch": 8, "seed": 0},
        judge=None,
        notes=("The judge was not asked: no judge model is set.", *([hostile] if hostile else [])),
    )


def _names(systems: int) -> dict[str, str]:
    kinds = list(TRAITS)
    return {kinds[at] if at < 5 else f"{kinds[at % 5]}:{at}": kinds[at % 5] for at in range(systems)}


def _question(number: int, hostile: str) -> Question:
    document, subject, unit = SUBJECTS[number % len(SUBJECTS)]
    place = PLACES[number // len(SUBJECTS) % len(PLACES)]
    text = f"What is the {subject} in {place}?{hostile}"
    if number % 5 == 4:
        return Question(f"house-{number:03d}", text, "", (), (), "unanswerable")
    answer = f"{3 + number % 17} {unit}"
    quote = f"The {subject} in {place} is {answer}{hostile}"
    kind = "number" if number % 3 else "procedure"
    return Question(
        f"house-{number:03d}", text, answer, (answer.split()[0],), (Evidence(document, quote),), kind
    )


def _said(trait: Trait, question: Question, luck: random.Random, hostile: str) -> Said:
    """Return what a system says: right, wrong, a refusal or nothing."""
    if luck.random() < 0.01:
        return Said(question.id, failure=f"the model failed: out of memory{hostile}")
    refuses = trait.refuses_wrongly if question.answerable else trait.refuses_rightly
    confidence = None if trait.kind in ("plain", "tuned") else round(luck.betavariate(4, 2), 4)
    seconds = {"search": 0.04, "first_text": trait.seconds * 0.3, "generate": trait.seconds}
    if luck.random() < refuses:
        return Said(
            question.id,
            text="The documents do not answer this question.",
            refused=True,
            reason="too unlikely that the passages answer it",
            origin="refusal",
            confidence=None if confidence is None else round(confidence * 0.4, 4),
            prompt_tokens=900,
            completion_tokens=9,
            seconds=seconds,
        )
    right = question.answerable and luck.random() < trait.right
    says = question.expected if right else f"{20 + luck.randrange(60)} days"
    cited = _cited(question, trait, luck, hostile)
    text = f"It is {says}{' [1]' if cited else ''}.{hostile}"
    sentences = 1 + luck.randrange(2)
    return Said(
        question.id,
        text=text,
        origin="model",
        draft=text if luck.random() < 0.7 else f"{text} This holds for all sites.",
        citations=cited,
        given=tuple(Given(one.document, one.revision, 0, 900) for one in cited),
        invented=int(luck.random() < 0.03),
        confidence=confidence,
        sentences=sentences,
        unsupported=int(luck.random() < trait.unsupported),
        prompt_tokens=80 if trait.kind in ("plain", "tuned") else 1150,
        completion_tokens=34,
        seconds=seconds,
    )


def _cited(question: Question, trait: Trait, luck: random.Random, hostile: str) -> tuple[Cited, ...]:
    if luck.random() >= trait.cites:
        return ()
    evidence = (
        question.evidence[0] if question.evidence else Evidence("people/leave.md", f"See leave.{hostile}")
    )
    start = 120 + luck.randrange(900)
    return (Cited(1, evidence.document, 2, start, start + len(evidence.quote), evidence.quote, True),)


def _marks(questions: Sequence[Question], said: Sequence[Said]) -> dict[str, dict[str, float | None]]:
    """Return made-up marks of one system, roughly as the real measures would give them."""
    found: dict[str, dict[str, float | None]] = {
        name: {} for name in ("handled", "right", "f1", "cited_right", "supported", "answered", "abstained")
    }
    for question, one in zip(questions, said, strict=True):
        told = not one.refused and not one.failure
        right = float(told and bool(question.expected) and question.expected in one.text)
        abstained = float(one.refused)
        answerable = question.answerable
        cited = float(
            any(cite.document == place.document for cite in one.citations for place in question.evidence)
        )
        claims = one.sentences or 0
        values: dict[str, float | None] = {
            "handled": right if answerable else abstained,
            "right": right if answerable else None,
            "f1": (0.8 * right + 0.1 * float(told)) if answerable else None,
            "cited_right": cited if answerable else None,
            "supported": max(0.0, 1 - (one.unsupported or 0) / claims) if claims else float(not one.failure),
            "answered": 1 - abstained if answerable else None,
            "abstained": None if answerable else abstained,
        }
        for name, value in values.items():
            found[name][question.id] = value
    return found


def _comparisons(
    questions: Sequence[Question], marks: Mapping[str, Mapping[str, Mapping[str, float | None]]]
) -> dict[str, Comparison]:
    first = next(iter(marks.values()))
    found = {}
    for measure, by_question in first.items():
        chosen = [one for one in questions if by_question[one.id] is not None]
        documents = [one.evidence[0].document if one.evidence else one.id for one in chosen]
        found[measure] = compare_scores(
            Scores(
                measure,
                documents,
                {name: [own[measure][one.id] for one in chosen] for name, own in marks.items()},
            )
        )
    return found


def _strata(questions: Sequence[Question], luck: random.Random) -> dict[str, tuple[str, ...]]:
    answerable = [one.id for one in questions if one.answerable]
    hit = {name for name in answerable if luck.random() < 0.8}
    return {
        "answerable": tuple(answerable),
        "unanswerable": tuple(one.id for one in questions if not one.answerable),
        "the search found the evidence": tuple(name for name in answerable if name in hit),
        "the search missed it": tuple(name for name in answerable if name not in hit),
        "kind: number": tuple(one.id for one in questions if one.kind == "number"),
        "kind: procedure": tuple(one.id for one in questions if one.kind == "procedure"),
    }


def _with_hostile(verdict: Verdict, hostile: str) -> Verdict:
    """Return a verdict in which somebody's words stand, as those of a reason or of a name could."""
    reasons = tuple(Claim(f"{claim.text}{hostile}", claim.section) for claim in verdict.reasons)
    excluded = {name: f"{why}{hostile}" for name, why in verdict.excluded.items()}
    return replace(verdict, headline=f"{verdict.headline}{hostile}", reasons=reasons, excluded=excluded)
