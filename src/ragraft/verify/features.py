"""What is known about a claim and a window, as numbers for the learned weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragraft.verify.alignment import Alignment
from ragraft.verify.binding import Binding
from ragraft.verify.matching import Grounds, Topic, Window
from ragraft.verify.objections import Objection, missing_names
from ragraft.verify.statements import Word
from ragraft.verify.wording import Wording

__all__ = ["FEATURES", "Case", "features"]

FEATURES = (
    "cover",
    "cover with headings",
    "cover by passage",
    "cover by all windows",
    "rarest missing",
    "missing words",
    "same order",
    "window used",
    "quotation",
    "word for word",
    "words changed",
    "numbers",
    "numbers found",
    "numbers missing",
    "numbers denied",
    "names",
    "names found",
    "turned",
    "obliged",
    "tentative",
    "attributed",
    "replaced",
    "length",
    "window length",
    "numbers anywhere",
    "names anywhere",
    "three best sentences",
    "words anywhere",
    "likeness",
    "nearest likeness",
    "likeness of passage",
)


@dataclass(frozen=True)
class Case:
    """A claim beside one window, with everything that was found out about the two."""

    topic: Topic
    window: Window
    windows: Sequence[Window]
    aligned: Alignment
    wording: Wording
    bindings: Sequence[Binding]
    objections: Sequence[Objection]
    verbatim: bool

    @property
    def is_complete(self) -> bool:
        """Whether the window has every word of the claim and, for the same things, every number."""
        bound = all(one.verdict == "bound" and one.unit in self.window.units for one in self.bindings)
        return (
            bool(self.bindings and len(self.window.own))
            and bound
            and bool((self.window.own | self.window.scope).all())
        )

    @property
    def is_quotation(self) -> bool:
        """Whether the claim is the window's own wording, all of it, give or take words that change nothing."""
        if self.verbatim:
            return True
        return self.wording.is_quotation and bool((self.window.own | self.window.scope).all())


def features(case: Case, grounds: Grounds) -> npt.NDArray[np.float64]:
    """Return the values of FEATURES for one case."""
    topic, window, aligned = case.topic, case.window, case.aligned
    weights = topic.weights
    total = float(weights.sum()) or 1.0
    words = max(1, len(weights))
    headed = window.own | window.scope
    stems = window.source.stems
    in_passage = np.array([grounds.has(word.stem, stems) for word in topic.words], bool)
    every = np.zeros(len(weights), bool)
    for other in case.windows[:3]:
        every |= other.own | other.scope
    missing = weights[~headed] if len(weights) else weights
    kinds = [one.kind for one in case.objections]
    verdicts = [one.verdict for one in case.bindings]
    names = len(topic.statement.names)
    absent = len(missing_names(topic, window, grounds))
    replaced = sum(isinstance(item.what, Word) for mine, told in aligned.replaced for item in mine if told)
    return np.array(
        [
            window.cover,
            float(headed @ weights) / total,
            float(in_passage @ weights) / total,
            float(every @ weights) / total,
            float(missing.max()) / 4 if len(missing) else 0.0,
            len(missing) / words,
            aligned.share,
            aligned.told_share,
            float(case.is_quotation),
            case.wording.share,
            min(3, sum(change.kind == "word" for change in case.wording.changes)) / 3,
            float(bool(verdicts)),
            (verdicts.count("bound") + verdicts.count("derived")) / len(verdicts) if verdicts else 0.0,
            min(3, verdicts.count("missing")),
            min(3, verdicts.count("denied")),
            min(4, names) / 4,
            (names - absent) / names if names else 1.0,
            float(any(kind in ("negation", "opposite", "swapped") for kind in kinds)),
            float(any(kind in ("modality", "absolute", "exception") for kind in kinds)),
            float("tentative" in kinds),
            float("attribution" in kinds),
            min(4, replaced) / 4,
            math.log1p(words) / 3,
            len(window.units) / 3,
            _anywhere(case, grounds),
            max(names - absent, sum(bool(grounds.alike(word.stem)) for word in topic.statement.names)) / names
            if names
            else 1.0,
            topic.best_three,
            sum(bool(grounds.alike(word.stem)) for word in topic.words) / words,
            window.likeness,
            max(one.likeness for one in case.windows),
            float(np.mean([one.likeness for one in case.windows[:3]])),
        ]
    )


def _anywhere(case: Case, grounds: Grounds) -> float:
    """Return the share of the claim's quantities that some passage has, in its words or at least its digits."""
    found = [
        binding.verdict in ("bound", "derived")
        or all(stem in grounds.known for stem in grounds.terms(binding.claimed.shown) if stem[0].isdigit())
        for binding in case.bindings
    ]
    return sum(found) / len(found) if found else 1.0
