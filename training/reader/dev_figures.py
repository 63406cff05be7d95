"""How well a network reads rows that it was not trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from training.reader.network import ReaderNetwork, tensors
from training.reader.rows import TRAINED_ON, Row, holds_answer, load, normalise
from training.reader.samples import SEED, Sample, batches, chance_of, sample

from ragraft.models.reader import best_span

__all__ = ["dev_samples", "evaluate", "figures_of", "read_dev"]


def dev_samples() -> list[tuple[Row, Row, Sample]]:
    """Return half of the dev rows with their own passages, and for some a passage of the same group."""
    chance = chance_of(SEED)
    found = []
    rows = load("dev")
    for row in rows[::2]:
        found.append((row, row, sample(row, row, chance=chance, cropped=0.0)))
        others = [one for one in rows if one.group == row.group and not holds_answer(one.passage, row)]
        if row.answerable and others and chance.random() < 0.4:
            other = chance.choice(others)
            found.append((row, other, sample(row, other, chance=chance, cropped=0.0)))
    return found


def evaluate(
    network: ReaderNetwork, average: Mapping[str, torch.Tensor], dev: Sequence[tuple[Row, Row, Sample]]
) -> dict[str, float]:
    """Return exact match and F1 on answerable rows, and how well the judgements separate."""
    own = {name: value.detach().clone() for name, value in network.named_parameters() if name in average}
    network.load_state_dict(average, strict=False)
    network.eval()
    found = read_dev(network, dev)
    network.load_state_dict(own, strict=False)
    network.train()
    return figures_of(found, dev)


def read_dev(network: ReaderNetwork, dev: Sequence[tuple[Row, Row, Sample]]) -> np.ndarray:
    """Return for each dev row: logits of relevant and answerable, the span's lead over none, exact match, F1."""
    places = {id(one): number for number, (_, _, one) in enumerate(dev)}
    found = np.full((len(dev), 5), np.nan)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for batch in batches([one for _, _, one in dev], chance=None):
            logits, spans = network(*tensors(batch))
            for one, pair, span in zip(batch, logits.numpy(), spans.numpy(), strict=True):
                row, passage, _ = dev[places[id(one)]]
                first, last, score = best_span(*span[one.second : len(one.ids) - 1].T)
                found[places[id(one)], :3] = (*pair, score - span[0].sum())
                if one.answerable:
                    text = _text_of(passage, one, first, last)
                    exact = max(float(normalise(text) == normalise(gold)) for gold in row.answers)
                    found[places[id(one)], 3:] = exact, max(token_f1(text, gold) for gold in row.answers)
    return found


def figures_of(found: np.ndarray, dev: Sequence[tuple[Row, Row, Sample]]) -> dict[str, float]:
    """Return the means of what `read_dev` gave, and areas under the curve."""
    relevant, answerable = (
        np.array([getattr(one, key) for _, _, one in dev]) for key in ("relevant", "answerable")
    )
    sets, own = np.array([row.set for row, _, _ in dev]), relevant > 0
    figures = {"exact": np.nanmean(found[:, 3]), "f1": np.nanmean(found[:, 4])}
    figures |= {f"f1 {name}": np.nanmean(found[sets == name, 4]) for name in TRAINED_ON}
    figures |= {
        "auc relevant": auc(found[:, 0], relevant),
        "auc answerable": auc(found[:, 1], answerable),
        "auc span": auc(found[:, 2], answerable),
        "auc answerable, own passage": auc(found[own, 1], answerable[own]),
        "auc span, own passage": auc(found[own, 2], answerable[own]),
    }
    return {name: round(float(value), 3) for name, value in figures.items()}


def _text_of(passage: Row, one: Sample, first: int, last: int) -> str:
    """Return the text of a span of the window; the window's place in the passage is found by its tokens."""
    window = tuple(one.ids[one.second : -1])
    start = next(
        at
        for at in range(len(passage.tokens) - len(window) + 1)
        if passage.tokens[at : at + len(window)] == window
    )
    return passage.passage[passage.offsets[start + first][0] : passage.offsets[start + last][1]]


def token_f1(text: str, gold: str) -> float:
    """Return the F1 of the words that two answers share, as SQuAD's scorer counts it."""
    found, wanted = normalise(text).split(), normalise(gold).split()
    shared = sum((Counter(found) & Counter(wanted)).values())
    return 2 * shared / (len(found) + len(wanted)) if shared else 0.0


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of pairs (positive, negative) in which the positive scores higher; ties count half."""
    positive, negative = np.sort(scores[labels > 0]), scores[labels <= 0]
    below, upto = (np.searchsorted(positive, negative, side=side) for side in ("left", "right"))
    return float(1 - (below + upto).mean() / 2 / len(positive))
