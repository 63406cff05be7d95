"""The verifier: supported or not on three judged sets, altered sentences of many sets, and its time.

WiCE is cross-validated (ten folds, claims of one page in one fold) beside plain features in the same folds; the
shipped weights are fitted on it too, so their own figure on it would say nothing. BEGIN and HaluEval were never
fitted on. Altered sentences: a true sentence, lightly reworded, must be supported; the same with one number,
date, unit, name, negation, comparison or modal verb changed, or without its passage, must not be.
"""

from __future__ import annotations

import csv
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from training.verifier import Row, balance, embedder_likeness, fit, packed, wice_rows

from benchmarks.altered import EXACT, KINDS, alter, reword
from benchmarks.figures import Figure, Report, at_least, at_most, percentile, run, say
from benchmarks.ground import DATA
from benchmarks.grounded import SETS, Grounded, answers, as_passage, company
from benchmarks.plain_features import plain_features
from ragraft.answer.confidence import log_odds
from ragraft.models.files import embedder_folder
from ragraft.models.reader import LocalReader
from ragraft.retrieve.lexical import terms
from ragraft.verify.verifier import Likeness, Verifier

FOLDS = 10
COMPANY = Path(__file__).resolve().parents[1] / "examples/company/documents"
SHOWN_MISSES = 12
Labels = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """How many sentences of each set, and how many rows of each judged set."""

    sentences: int = 150
    rows: int | None = None
    likeness: bool = True
    reader: bool = True


QUICK = Scale(sentences=12, rows=40, likeness=False, reader=False)


@dataclass(slots=True)
class Tally:
    """How many of what was checked came out right, by kind, and some of what did not."""

    right: Counter[str] = field(default_factory=Counter)
    all: Counter[str] = field(default_factory=Counter)
    misses: dict[str, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def share(self, *kinds: str) -> float:
        """Return the share that came out right of these kinds together."""
        return sum(self.right[kind] for kind in kinds) / max(1, sum(self.all[kind] for kind in kinds))


def measure(scale: Scale) -> Report:
    """Return the figures."""
    report = Report(settings={"sentences of each set": scale.sentences, "rows": scale.rows or "all"})
    verifier = Verifier(terms=stems)
    _times(report, likeness=embedder_likeness() if scale.likeness else None)
    _wice(report, scale)
    for name, rows in JUDGED.items():
        _judged(report, name, list(rows())[: scale.rows], verifier)
    _altered(report, scale, verifier)
    return report


def stems(text: str) -> list[str]:
    """Return the stems of a text as the answering system makes them."""
    return terms(text, language="en")


def _wice(report: Report, scale: Scale) -> None:
    source = (DATA / "wice" / "claim_dev.jsonl").read_text("utf-8").splitlines()
    rows = list(wice_rows())
    labels = np.array([row.label for row in rows])
    pages = [row.group for row in rows]
    claims = [json.loads(line) for line in source]
    plain = np.stack([plain_features(row["claim"], row["evidence"]) for row in claims])
    folds = folds_of(pages)
    base = cross_validated(plain, labels, folds)
    found = cross_validated(_values(rows), labels, folds)
    low, high = interval(labels, found > 0, pages)
    report.add(
        Figure(
            "wice balanced accuracy",
            balanced(labels, found > 0),
            target=at_least(0.68),
            reference="11 plain features",
            reference_value=balanced(labels, base > 0),
            note=f"95 % from {low:.3f} to {high:.3f}, {len(rows)} claims",
        ),
        Figure(
            "wice ROC AUC",
            auc(labels, found),
            reference="11 plain features",
            reference_value=auc(labels, base),
        ),
    )
    if scale.likeness:
        near = cross_validated(_values(list(wice_rows(likeness=embedder_likeness()))), labels, folds)
        report.add(
            Figure(
                "wice balanced accuracy with likeness",
                balanced(labels, near > 0),
                note=f"AUC {auc(labels, near):.3f}",
            )
        )
    if scale.reader:
        more = np.hstack(
            [_values(rows), np.stack([_readings(row["claim"], row["evidence"]) for row in claims])]
        )
        read = cross_validated(more, labels, folds)
        report.add(
            Figure(
                "wice balanced accuracy with the reader",
                balanced(labels, read > 0),
                reference="without it",
                reference_value=balanced(labels, found > 0),
                note=f"AUC {auc(labels, read):.3f}",
            )
        )


@cache
def _reader() -> LocalReader:
    return LocalReader(embedder_folder())


def _readings(claim: str, evidence: Sequence[str]) -> Scores:
    """Return what the reader makes of a claim, taken as a question: the best log-odds of each head, shape (3,)."""
    found = _reader().read(claim, list(packed(evidence)))
    return np.max(
        [[log_odds(one.relevance), log_odds(one.answerable), one.span_score] for one in found], axis=0
    )


def _values(rows: Sequence[Row]) -> Scores:
    return np.stack([row.values for row in rows])


def folds_of(groups: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return a fold for each row, the same for rows of one group."""
    names = sorted(set(groups))
    random.Random(0).shuffle(names)
    fold = {name: at % FOLDS for at, name in enumerate(names)}
    return np.array([fold[group] for group in groups])


def cross_validated(values: Scores, labels: Labels, folds: npt.NDArray[np.int64]) -> Scores:
    """Return log-odds of each row from weights fitted on the other folds."""
    found = np.zeros(len(labels))
    for fold in range(FOLDS):
        here = folds == fold
        found[here] = fit(values[~here], labels[~here], balance(labels[~here])).score(values[here])
    return found


def balanced(labels: Labels, told: Labels) -> float:
    """Return the mean of the shares of both labels that were told right."""
    return float((told[labels].mean() + (~told)[~labels].mean()) / 2)


def auc(labels: Labels, scores: Scores) -> float:
    """Return the chance that a supported row scores above one that is not; equals count half."""
    order = np.sort(scores[~labels])
    below = np.searchsorted(order, scores[labels], side="left")
    upto = np.searchsorted(order, scores[labels], side="right")
    return float((below + upto).mean() / (2 * len(order)))


def interval(labels: Labels, told: Labels, groups: Sequence[str], draws: int = 2000) -> tuple[float, float]:
    """Return the middle 95 % of balanced accuracy when the groups are drawn anew."""
    members: dict[str, list[int]] = defaultdict(list)
    for at, group in enumerate(groups):
        members[group].append(at)
    rows = [np.array(one) for one in members.values()]
    chance = np.random.default_rng(0)
    found = []
    for _ in range(draws):
        drawn = np.concatenate([rows[at] for at in chance.integers(0, len(rows), len(rows))])
        if 0 < labels[drawn].sum() < len(drawn):
            found.append(balanced(labels[drawn], told[drawn]))
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a judged set."""

    claim: str
    knowledge: str
    supported: bool
    question: str = ""


def begin(name: str, data: Path = DATA) -> Iterator[Case]:
    """Yield replies of BEGIN (Dziri et al. 2022): fully attributable against not and generic."""
    with (data / "begin" / f"begin_dev_{name}.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield Case(row["response"], row["knowledge"], row["begin_label"] == "Fully attributable")


def halueval(data: Path = DATA) -> Iterator[Case]:
    """Yield the right and the made-up answers of HaluEval's questions (Li et al. 2023)."""
    for line in (data / "halueval" / "qa_one-turn_data.json").read_text("utf-8").splitlines():
        row = json.loads(line)
        for key in ("right_answer", "hallucinated_answer"):
            yield Case(row[key], row["knowledge"], key == "right_answer", row["question"])


JUDGED: Mapping[str, Callable[[], Iterator[Case]]] = {
    "begin wow": lambda: begin("wow"),
    "begin tc": lambda: begin("tc"),
    "begin cmu": lambda: begin("cmu"),
    "halueval qa": halueval,
}


def _judged(report: Report, name: str, cases: Sequence[Case], verifier: Verifier) -> None:
    labels = np.array([case.supported for case in cases])
    found = [
        verifier.check([case.claim], passages=[as_passage(case.knowledge)], question=case.question)[0]
        for case in cases
    ]
    scores = np.array([finding.score for finding in found])
    told = np.array([finding.support == "supported" for finding in found])
    right = float(labels[told].mean()) if told.any() else 0.0
    report.add(
        Figure(f"{name} ROC AUC", auc(labels, scores), note=f"{len(cases)} rows, never fitted on"),
        Figure(
            f"{name} balanced accuracy",
            balanced(labels, told),
            note=f"supported is right {right:.0%} of {int(told.sum())}; base rate {labels.mean():.0%}",
        ),
    )


def _altered(report: Report, scale: Scale, verifier: Verifier) -> None:
    sets: dict[str, list[Grounded]] = {name: list(make(scale.sentences)) for name, make in SETS.items()}
    sets["company"] = list(company(COMPANY, limit=scale.sentences))
    sets["handbook answers"] = list(answers("test"))[: scale.rows]
    whole, told = Tally(), {}
    for name, items in sets.items():
        tally = Tally()
        for item in items:
            for into in (tally, whole):
                _check(item, into, verifier, random.Random(item.text))
        told[name] = {kind: [tally.right[kind], tally.all[kind]] for kind in tally.all}
        say(f"{name}: " + ", ".join(f"{kind} {tally.share(kind):.2f}" for kind in tally.all))
    exact, other = EXACT, tuple(kind for kind in KINDS if kind not in EXACT)
    report.add(
        Figure("altered numbers, dates, units caught", whole.share(*exact), target=at_least(0.95)),
        Figure("altered names, negations and the rest caught", whole.share(*other), target=at_least(0.8)),
        Figure("unaltered, reworded: false alarms", 1 - whole.share("true"), target=at_most(0.08)),
        Figure("unaltered, verbatim: false alarms", 1 - whole.share("verbatim")),
        Figure("their passage taken away: caught", whole.share("away")),
        *(
            Figure(f"altered {kind} caught", whole.share(kind), note=f"of {whole.all[kind]}")
            for kind in KINDS
        ),
    )
    prose = told["handbook answers"]["true"]
    report.add(
        Figure("handbook answers, unaltered: false alarms", 1 - prose[0] / prose[1], note=f"of {prose[1]}")
    )
    report.detail = {
        "by set": told,
        "misses": {kind: found[:SHOWN_MISSES] for kind, found in whole.misses.items()},
    }


def _check(item: Grounded, tally: Tally, verifier: Verifier, chance: random.Random) -> None:
    text = reword(item.text, chance) if item.verbatim else item.text
    claims = [("true", text)]
    claims += [("verbatim", item.text)] if item.verbatim else []
    claims += [
        (one.kind, one.text)
        for one in alter(text, item.passage, others=item.others, names=item.names, chance=chance)
    ]
    found = verifier.check([claim for _, claim in claims], passages=item.passages, question=item.question)
    beside = [passage for passage in item.passages if passage.chunk.text not in item.passage]
    if not any(item.text[:40] in " ".join(passage.chunk.text.split()) for passage in beside):
        claims.append(("away", text))
        found += verifier.check([text], passages=beside, question=item.question)
    for (kind, claim), finding in zip(claims, found, strict=True):
        right = (finding.support == "supported") == (kind in ("true", "verbatim"))
        tally.all[kind] += 1
        tally.right[kind] += right
        if not right:
            tally.misses[kind].append(
                {"set": item.source, "claim": claim, "found": finding.support, "why": finding.reason}
            )


def _times(report: Report, *, likeness: Likeness | None) -> None:
    """Three sentences against five fresh passages of about 250 tokens, as an answer is checked."""
    items = list(SETS["selqa"](120))
    texts = [_long(item) for item in items]
    rounds = [
        (items[at : at + 3], [as_passage(text) for text in texts[at : at + 5]]) for at in range(0, 110, 2)
    ]
    near = {"": None, " with likeness": likeness} if likeness else {"": None}
    for name, given in near.items():
        verifier = Verifier(terms=stems, likeness=given)
        wall, busy, inside = [], [], [0.0]
        if given is not None:
            verifier = Verifier(terms=stems, likeness=_timed(given, inside))
        for claims, passages in rounds:
            inside[0] = 0.0
            began, used = time.perf_counter(), time.thread_time()
            verifier.check([claim.text for claim in claims], passages=passages)
            wall.append((time.perf_counter() - began - inside[0]) / len(claims))
            busy.append((time.thread_time() - used) / len(claims))
        note = f"p95 {percentile(wall, 0.95) * 1000:.2f} ms; processor time p50 {percentile(busy, 0.5) * 1000:.2f} ms"
        note += "; embedding not counted" if given is not None else ""
        report.add(
            Figure(
                f"a sentence against 5 passages{name}",
                percentile(wall, 0.5) * 1000,
                "ms",
                target=at_most(5),
                note=note,
            )
        )


def _timed(likeness: Likeness, inside: list[float]) -> Likeness:
    def measured(some: Sequence[str], others: Sequence[str]) -> npt.NDArray[np.float32]:
        began = time.perf_counter()
        found = likeness(some, others)
        inside[0] += time.perf_counter() - began
        return found

    return measured


def _long(item: Grounded) -> str:
    """Return about 1,000 characters of a passage and what stands beside it."""
    text = " ".join((item.passage, *item.others))[:1000]
    return text[: text.rfind(" ")]


if __name__ == "__main__":
    sys.exit(
        run(
            "verifier",
            lambda chosen: measure(QUICK if chosen.quick else Scale()),
            about="the verifier on judged sets and altered sentences",
        )
    )
