"""Fits the verifier's weights: one logistic regression with likeness, one without.

python -m training.verifier [--quick] [--no-likeness]

It learns from true sentences of reading sets, lightly reworded, and the same with one thing altered; from
sentences whose own passage is taken away; from the handbook's training answers; and from WiCE's claims
(Kamoi et al. 2023). The sets that benchmarks/verifier.py tests on are not among them, but for WiCE, which is
cross-validated there. Only the weights are written, to src/ragraft/verify/weights.json.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from benchmarks.altered import alter, reword
from benchmarks.ground import DATA
from benchmarks.grounded import Grounded, answers, as_passage, reading

from ragraft.retrieve.lexical import terms
from ragraft.types import Passage, Vectors
from ragraft.verify.cases import examine, read_claim
from ragraft.verify.features import FEATURES, features
from ragraft.verify.matching import Grounds, synonym_stems
from ragraft.verify.sources import read_sources
from ragraft.verify.verifier import Likeness

__all__ = ["Regression", "Row", "balance", "fit", "packed", "read", "wice_rows"]

Array = npt.NDArray[np.float64]
OUT = Path(__file__).resolve().parents[1] / "src/ragraft/verify/weights.json"
PACKED = 1000
"""Characters after which a new passage is begun when a list of sentences is made into passages."""

SHARES = {"wice": 0.3, "answers": 0.2, "reading": 0.5}
"""How much each source counts in the fit, however many rows it has; labels weigh the same within it."""

STRENGTH = 20.0
"""Of the ridge penalty, on standardised features."""


@dataclass(frozen=True)
class Row:
    """A claim with its label: the features of its nearest window, and whether a rule decides it already."""

    source: str
    group: str
    label: bool
    values: Array
    objected: bool


@dataclass(frozen=True)
class Regression:
    """Weights on FEATURES as they are, not standardised."""

    weights: Array
    bias: float

    def score(self, values: Array) -> Array:
        """Return log-odds, one per row."""
        return values @ self.weights + self.bias


def fit(
    values: Array, labels: npt.NDArray[np.bool_], importance: Array, *, strength: float = STRENGTH
) -> Regression:
    """Return the ridge logistic regression by Newton's method; constant features get no weight."""
    middle, spread = values.mean(axis=0), values.std(axis=0)
    used = spread > 1e-9
    scaled = np.c_[(values[:, used] - middle[used]) / spread[used], np.ones(len(values))]
    penalty = np.diag([strength] * int(used.sum()) + [1e-6])
    found = np.zeros(scaled.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(scaled @ found, -30, 30)))
        slope = scaled.T @ (importance * (chance - labels)) + penalty @ found
        curve = (scaled * (importance * chance * (1 - chance))[:, None]).T @ scaled + penalty
        found -= np.linalg.solve(curve, slope)
    weights = np.zeros(values.shape[1])
    weights[used] = found[:-1] / spread[used]
    return Regression(weights, float(found[-1] - weights @ middle))


def balance(labels: npt.NDArray[np.bool_]) -> Array:
    """Return an importance for each row so that both labels weigh the same; the mean is 1."""
    share = max(1e-9, labels.mean()), max(1e-9, 1 - labels.mean())
    return np.where(labels, 0.5 / share[0], 0.5 / share[1])


def stems(text: str) -> list[str]:
    """Return the stems of a text as the answering system makes them."""
    return terms(text, language="en")


SYNONYMS = synonym_stems(stems)


def read(
    claim: str, passages: Sequence[Passage], *, question: str = "", likeness: Likeness | None = None
) -> tuple[Array, bool] | None:
    """Return the features of a claim beside its nearest window, and whether a rule speaks against it.

    None if there is nothing to read.
    """
    grounds = Grounds(read_sources(passages, stems), terms=stems, synonyms=SYNONYMS)
    asked = read_claim(question, grounds) if question else None
    near = likeness([claim], [unit.statement.readable for unit in grounds.units])[0] if likeness else None
    cases = examine(grounds.topic(read_claim(claim, grounds), asked), grounds, likeness=near)
    return (features(cases[0], grounds), bool(cases[0].objections)) if cases else None


def wice_rows(*, likeness: Likeness | None = None, data: Path = DATA) -> Iterator[Row]:
    """Yield WiCE's claims (dev), supported against partly or not; grouped by the page they are of."""
    for line in (data / "wice" / "claim_dev.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        passages = [as_passage(text) for text in packed(row["evidence"])]
        found = read(row["claim"], passages, likeness=likeness)
        if found is not None:
            yield Row("wice", row["meta"]["claim_title"], row["label"] == "supported", *found)


def packed(sentences: Sequence[str]) -> Iterator[str]:
    """Yield the sentences as passages, a line for each."""
    held: list[str] = []
    for sentence in sentences:
        held.append(sentence)
        if sum(map(len, held)) > PACKED:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)


def made_rows(source: str, items: Sequence[Grounded], *, likeness: Likeness | None) -> Iterator[Row]:
    """Yield true sentences, their altered forms, and true sentences without the passage they rest on."""
    chance = random.Random(11)  # noqa: S311 - the same rows every time, nothing secret
    for item in items:
        text = reword(item.text, chance) if item.verbatim else item.text
        altered = alter(text, item.passage, others=item.others, names=item.names, chance=chance)
        away = [passage for passage in item.passages if passage.chunk.text not in item.passage]
        claims = [(text, item.passages, True), (text, away, False)]
        claims += [(one.text, item.passages, False) for one in chance.sample(altered, min(3, len(altered)))]
        for claim, passages, label in claims:
            found = read(claim, passages, question=item.question, likeness=likeness)
            if found is not None:
                yield Row(source, item.passage[:80], label, *found)


def gather(*, quick: bool, likeness: Likeness | None) -> list[Row]:
    """Return the rows of every training source; fewer with likeness, since every sentence is embedded."""
    limit = 20 if quick else 220 if likeness is None else 90
    texts = chain(
        reading("squad2-dev-half", split="train", limit=limit),
        reading("squadshifts-newwiki", split="train", limit=limit),
        reading("fairytaleqa", split="train", limit=limit // 3),
    )
    rows = list(made_rows("reading", list(texts), likeness=likeness))
    say(f"{len(rows)} rows of reading sets")
    told = list(answers("train"))[: limit if quick else None]
    rows += made_rows("answers", told, likeness=likeness)
    say(f"{len(rows)} rows with the answers")
    rows += wice_rows(likeness=likeness)
    say(f"{len(rows)} rows with wice")
    return rows


def fit_rows(rows: Sequence[Row]) -> Regression:
    """Return the regression over the rows that no rule decides, each source counting its share."""
    rows = [row for row in rows if not row.objected]
    values = np.stack([row.values for row in rows])
    labels = np.array([row.label for row in rows])
    sources = np.array([row.source for row in rows])
    importance = np.zeros(len(rows))
    for source, share in SHARES.items():
        here = sources == source
        importance[here] = balance(labels[here]) * share * len(rows) / max(1, here.sum())
    return fit(values, labels, importance)


def embedder_likeness() -> Likeness:
    """Return the cosines by the packaged embedder."""
    from ragraft.models.encoders import OpenVinoEmbedder
    from ragraft.models.files import EMBEDDER_NAME, embedder_folder

    embedder = OpenVinoEmbedder(embedder_folder(), name=EMBEDDER_NAME, threads=1)
    known: dict[str, Vectors] = {}

    def vectors(texts: Sequence[str]) -> Vectors:
        new = list(dict.fromkeys(text for text in texts if text not in known))
        known.update(zip(new, embedder.embed(new), strict=True))
        return np.stack([known[text] for text in texts])

    return lambda some, others: vectors(some) @ vectors(others).T


def say(line: str) -> None:
    """Tell how far it is."""
    print(f"[{time.strftime('%H:%M:%S')}] {line}", file=sys.stderr, flush=True)


def as_json(regression: Regression) -> dict[str, object]:
    """Return weights by the name of their feature."""
    named = {name: round(float(value), 4) for name, value in zip(FEATURES, regression.weights, strict=True)}
    return {"weights": named, "bias": round(regression.bias, 4)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and write."""
    parser = argparse.ArgumentParser(prog="python -m training.verifier", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few rows, nothing written")
    parser.add_argument(
        "--no-likeness", action="store_true", help="leave the weights with likeness as they are"
    )
    chosen = parser.parse_args(arguments)
    rows = gather(quick=chosen.quick, likeness=None)
    record = json.loads(OUT.read_text("utf-8")) if OUT.exists() else {}
    record["plain"] = as_json(fit_rows(rows))
    if not chosen.no_likeness:
        record["likeness"] = as_json(fit_rows(gather(quick=chosen.quick, likeness=embedder_likeness())))
    record.setdefault("likeness", record["plain"])
    record.setdefault("thresholds", {"supported": 0.5, "undecided": 0.2, "partly": 0.35})
    record["rows"] = {source: sum(row.source == source for row in rows) for source in SHARES}
    if not chosen.quick:
        OUT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        say(f"written to {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
