"""The learned weights: how much each feature says for a sentence being supported."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from ragraft.verify.features import FEATURES

__all__ = ["Weights", "shipped_weights"]


@dataclass(frozen=True)
class Weights:
    """Two logistic regressions over FEATURES, with and without likeness, and the thresholds for serving.

    A sentence is supported from `supported` on and partly so from `partly` on; in between the one is not
    decided, and an entailment model may be asked from `undecided` on.
    """

    plain: npt.NDArray[np.float64]
    plain_bias: float
    likeness: npt.NDArray[np.float64]
    likeness_bias: float
    supported: float = 0.5
    undecided: float = 0.2
    partly: float = 0.35

    def score(self, values: npt.NDArray[np.float64], *, likeness: bool) -> float:
        """Return the probability that a claim with these features is supported."""
        weights, bias = (self.likeness, self.likeness_bias) if likeness else (self.plain, self.plain_bias)
        total = float(values @ weights) + bias
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Weights:
        """Return the weights of a JSON object as training/verifier.py writes it."""

        def read(name: str) -> tuple[npt.NDArray[np.float64], float]:
            given = record[name]
            return np.array([given["weights"].get(feature, 0.0) for feature in FEATURES]), float(
                given["bias"]
            )

        plain, plain_bias = read("plain")
        likeness, likeness_bias = read("likeness")
        return cls(plain, plain_bias, likeness, likeness_bias, **record["thresholds"])


@cache
def shipped_weights() -> Weights:
    """Return the weights that stand beside this module."""
    source = files("ragraft.verify").joinpath("weights.json").read_text("utf-8")
    return Weights.from_json(json.loads(source))
