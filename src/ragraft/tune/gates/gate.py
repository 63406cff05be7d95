"""What every gate gives, and what it is given to ask a model with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragraft.intervals import cluster_interval
from ragraft.types import Message

__all__ = ["Ask", "Gate", "Loss", "TurnLoss", "gate_above", "gate_below", "paired_gate"]

Ask = Callable[[Sequence[Message]], str]
"""Asks a model: messages in, what it says out. Greedy, so that the same question gets the same answer."""

Loss = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Cross-entropies of plain texts: for each text one number per token, in nats."""

TurnLoss = Callable[[Sequence[Sequence[Message]]], Sequence[Sequence[float]]]
"""Cross-entropies of the assistant's turns of conversations: one number per token that is trained on, in nats."""

FEWEST = 5
"""With fewer clusters than this nothing is measured: an interval from four is a guess."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What one gate found.

    `passed` is None where too little was asked to tell; an adapter is then not let through, as if it had
    failed. `interval` holds `value` with 95 % confidence. `bar` is what the end of the interval that speaks
    against the adapter is held to. `detail` is everything else, in JSON's kinds of values. `quotes` show by words
    of the examples what went wrong; they are for who made the adapter, and are kept nowhere: a card outlives the
    documents that it speaks of.
    """

    name: str
    passed: bool | None
    value: float | None
    interval: tuple[float, float] | None
    bar: float
    detail: Mapping[str, Any] = field(default_factory=dict)
    quotes: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return the gate as it stands in a card and in `ragraft tune --json`."""
        return {
            "passed": self.passed,
            "value": self.value,
            "interval": None if self.interval is None else list(self.interval),
            "bar": self.bar,
            **self.detail,
        }


def gate_above(
    name: str,
    values: Sequence[float],
    groups: Sequence[str],
    *,
    bar: float,
    limits: tuple[float, float],
    weights: Sequence[float] | None = None,
    seed: int = 0,
    **detail: Any,
) -> Gate:
    """Return a gate that passes if the mean of `values` is surely above `bar`.

    `limits` are the least and the greatest that a value can be, `weights` what each counts, 1 if not given.
    Values of one group are not independent and are drawn together.
    """
    clusters = len(set(groups))
    if clusters < FEWEST:
        detail["reason"] = f"{clusters} independent groups were asked, {FEWEST} are the fewest"
        return Gate(name, None, None, None, bar, detail)
    value, interval = cluster_interval(values, groups, limits=limits, weights=weights, seed=seed)
    return Gate(name, interval[0] > bar, value, interval, bar, detail)


def gate_below(
    name: str,
    values: Sequence[float],
    groups: Sequence[str],
    *,
    bar: float,
    limits: tuple[float, float],
    weights: Sequence[float] | None = None,
    seed: int = 0,
    **detail: Any,
) -> Gate:
    """Return a gate that passes if the mean of `values` is surely below `bar`; otherwise as `gate_above`."""
    turned = gate_above(
        name,
        [-value for value in values],
        groups,
        bar=-bar,
        limits=(-limits[1], -limits[0]),
        weights=weights,
        seed=seed,
        **detail,
    )
    value = None if turned.value is None else 0.0 - turned.value
    interval = turned.interval and (0.0 - turned.interval[1], 0.0 - turned.interval[0])
    return Gate(name, turned.passed, value, interval, bar, turned.detail)


def paired_gate(
    name: str,
    base: Sequence[float],
    tuned: Sequence[float],
    groups: Sequence[str],
    *,
    margin: float,
    seed: int = 0,
    **detail: Any,
) -> Gate:
    """Return a gate that passes if the tuned model is surely not worse than the base by more than `margin`.

    Marks are 0 to 1, one per question and model. The value is the mean difference, tuned less base; the
    bar is -margin. `better` and `worse` in the detail say whether the interval leaves zero out.

    Source: non-inferiority by a confidence interval, as in Piaggio et al. 2012 (CONSORT extension).
    """
    differences = [after - before for before, after in zip(base, tuned, strict=True)]
    gate = gate_above(name, differences, groups, bar=-margin, limits=(-1.0, 1.0), seed=seed)
    low, high = gate.interval or (0.0, 0.0)
    count = max(1, len(differences))
    told = {
        "questions": len(differences),
        "groups": len(set(groups)),
        "base": sum(base) / count,
        "tuned": sum(tuned) / count,
        "better": low > 0,
        "worse": high < 0,
    }
    return Gate(
        gate.name, gate.passed, gate.value, gate.interval, gate.bar, {**told, **detail, **gate.detail}
    )
