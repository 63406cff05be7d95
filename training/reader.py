"""Trains the reader: MiniLM with three heads - is a passage relevant, does it answer, which span.

    python training/reader.py mine WORK      # hard negatives, once (about 2 minutes)
    python training/reader.py train WORK     # resumes from WORK/checkpoint.pt
    python training/reader.py export WORK --steps 1154 1442    # src/ragraft/models/reader.safetensors

The input is [CLS] question [SEP] passage [SEP], at most 256 tokens. Embeddings and the lowest layer stay
as they are; the others and the heads are trained, on windows of the passages that change in each pass.
Source: Devlin et al. 2019 (spans, with [CLS] as "no span"); Clark & Gardner 2018 (any of several gold
spans will do); Karpukhin et al. 2020 (hard negatives).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import string
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from tokenizers import Encoding
from torch import nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from ragraft.models.files import embedder_folder
from ragraft.models.reader import DELTA, GROUP, base_fingerprint, best_span, merge
from ragraft.models.tokens import load_tokenizer

DATA = Path(__file__).resolve().parents[1] / "../shared/data/reading"
TRAINED_ON = ("squad2-dev-half", "squadshifts-newwiki", "fairytaleqa", "timeqa-human")
SEED = 20
TOKENS = 256
MAX_QUESTION = 64
FROZEN_LAYERS = 1
EPOCHS = 5
BATCH_TOKENS = 4096
RATE, HEAD_RATE, WARM_UP, DECAY, EMA = 1.5e-4, 1e-3, 0.06, 0.01, 0.998
NEGATIVE_SHARE = 0.42  # of the answerable rows that bring a mined negative along in a pass
CROPPED = 0.5  # of the rows are cut to a short window, so that answers stand anywhere
CANDIDATES = 6
DROPOUT = 0.1
CLS, SEP = 101, 102


@dataclass(frozen=True, slots=True)
class Row:
    """A question with one passage. `spans` are (first, last) tokens of the passage that answer it."""

    set: str
    group: str
    text: str
    passage: str
    answers: tuple[str, ...]
    answerable: bool
    question: tuple[int, ...]
    tokens: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """What the network is given for one row in one pass; `spans` count tokens of the whole input."""

    ids: list[int]
    second: int
    spans: list[tuple[int, int]]
    answerable: float
    relevant: float


def load(split: str, sets: Sequence[str] = TRAINED_ON) -> list[Row]:
    """Return the rows of a split; answerable ones whose answer cannot be found in the passage are left out."""
    found = [
        json.loads(line) for name in sets for line in (DATA / f"{name}.{split}.jsonl").open(encoding="utf-8")
    ]
    tokenizer = load_tokenizer(embedder_folder() / "tokenizer.json")
    questions, passages = (
        tokenizer.encode_batch([row[key] for row in found], add_special_tokens=False)
        for key in ("question", "passage")
    )
    rows = [_row(*parts) for parts in zip(found, questions, passages, strict=True)]
    return [row for row in rows if row.spans or not row.answerable]


def _row(found: dict[str, Any], question: Encoding, passage: Encoding) -> Row:
    answers = [found["answer"], *found.get("alt_answers", ())] if found["answerable"] else []
    answers = [answer.strip() for answer in dict.fromkeys(answers) if answer and answer.strip()]
    return Row(
        set=found["set"],
        group=found["group"],
        text=found["question"],
        passage=found["passage"],
        answers=tuple(answers),
        answerable=bool(found["answerable"]),
        question=tuple(question.ids[:MAX_QUESTION]),
        tokens=tuple(passage.ids),
        offsets=tuple(passage.offsets),
        spans=tuple(_spans(found["passage"], answers, passage.offsets)),
    )


def _spans(text: str, answers: Sequence[str], offsets: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    starts = {start: place for place, (start, _) in enumerate(offsets)}
    ends = {end: place for place, (_, end) in enumerate(offsets)}
    spans = set()
    for answer in answers:
        for match in re.finditer(re.escape(answer), text):
            if match.start() in starts and match.end() in ends:
                spans.add((starts[match.start()], ends[match.end()]))
    return sorted(spans)


# Hard negatives


def mine(rows: Sequence[Row]) -> list[list[int]]:
    """Return for each row the numbers of rows whose passages rank high for it and hold no answer of it.

    Ranked by BM25 and the embedder, joined by reciprocal rank, among the passages of the row's set.
    """
    import bm25s

    from ragraft.models.encoders import OpenVinoEmbedder

    embedder = OpenVinoEmbedder(embedder_folder())
    negatives: list[list[int]] = [[] for _ in rows]
    for name in TRAINED_ON:
        places = {row.passage: number for number, row in enumerate(rows) if row.set == name}
        passages, numbers = list(places), list(places.values())
        index = bm25s.BM25()
        index.index(bm25s.tokenize(passages, stopwords="en", show_progress=False), show_progress=False)
        asked = [number for number, row in enumerate(rows) if row.set == name and row.answerable]
        likeness = embedder.embed([rows[number].text for number in asked]) @ embedder.embed(passages).T
        for number, alike in zip(asked, likeness, strict=True):
            words = index.get_scores(
                bm25s.tokenize(rows[number].text, stopwords="en", return_ids=False, show_progress=False)[0]
            )
            ranks = sum(1 / (10 + np.argsort(np.argsort(-scores))) for scores in (words, alike))
            best = (numbers[place] for place in np.argsort(-ranks)[:60])
            negatives[number] = [one for one in best if not _holds_answer(rows[one].passage, rows[number])]
            negatives[number] = negatives[number][:CANDIDATES]
        print(f"{name}: {len(passages)} passages, {len(asked)} questions", flush=True)
    return negatives


def _holds_answer(passage: str, row: Row) -> bool:
    text = f" {normalise(passage)} "
    return passage == row.passage or any(f" {normalise(answer)} " in text for answer in row.answers)


def normalise(text: str) -> str:
    """Return the text as SQuAD's scorer compares it: lower case, no punctuation, no articles."""
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


# Samples and batches


def chance_of(seed: int | str) -> random.Random:
    """Return the source of what is drawn at random for one purpose, so that a resumed run draws the same."""
    return random.Random(seed)  # noqa: S311 - nothing secret is drawn


def sample(row: Row, passage: Row, *, chance: random.Random, cropped: float) -> Sample:
    """Return a row, with its own passage or another row's, cut to a window that fits.

    The window holds one of the answers, at a random place, where the passage has one.
    """
    own = passage is row
    room = TOKENS - len(row.question) - 3
    spans = row.spans if own else ()
    chosen = chance.choice(spans) if spans else None
    if chance.random() < cropped:
        longest = chosen[1] - chosen[0] + 1 if chosen else 0
        room = min(room, max(chance.randint(60, 150), longest + 20))
    first = _window(len(passage.tokens), room, chosen, chance)
    second = len(row.question) + 2
    inside = [(a, b) for a, b in spans if a >= first and b < first + room]
    return Sample(
        ids=[CLS, *row.question, SEP, *passage.tokens[first : first + room], SEP],
        second=second,
        spans=[(a - first + second, b - first + second) for a, b in inside],
        answerable=float(bool(inside)),
        relevant=float(own),
    )


def _window(length: int, room: int, span: tuple[int, int] | None, chance: random.Random) -> int:
    if span is None:
        return chance.randint(0, max(0, length - room))
    low, high = max(0, span[1] + 1 - room), min(span[0], max(0, length - room))
    return chance.randint(min(low, high), high)


def epoch_samples(rows: Sequence[Row], negatives: Sequence[Sequence[int]], *, epoch: int) -> list[Sample]:
    """Return one pass: every row once, and for a share of the answerable ones a passage without answer."""
    chance = chance_of(f"{SEED} {epoch}")
    samples = []
    for row, others in zip(rows, negatives, strict=True):
        samples.append(sample(row, row, chance=chance, cropped=CROPPED))
        if others and chance.random() < NEGATIVE_SHARE:
            far = chance.random() < 0.1
            other = chance.randrange(len(rows)) if far else chance.choice(others)
            if not _holds_answer(rows[other].passage, row):
                samples.append(sample(row, rows[other], chance=chance, cropped=CROPPED))
    return samples


def batches(samples: Sequence[Sample], *, chance: random.Random | None) -> list[list[Sample]]:
    """Return batches of like lengths, of about BATCH_TOKENS after padding; shuffled if `chance` is given.

    How many rows a batch has depends on its width alone, and widths are in steps of 16: for each new shape
    the matrix library would prepare all its products anew, which costs as much as computing them.
    """
    order = sorted(
        range(len(samples)),
        key=lambda n: -len(samples[n].ids) - (chance.randint(0, 12) if chance else 0),
    )
    found: list[list[Sample]] = []
    while order:
        count = BATCH_TOKENS // width_of([samples[order[0]]])
        found.append([samples[number] for number in order[:count]])
        order = order[count:]
    if chance:
        chance.shuffle(found)
    return found


def width_of(batch: Sequence[Sample]) -> int:
    """Return how wide a batch is after padding."""
    return -(-max(len(one.ids) for one in batch) // 16) * 16


# The network


class CheapDropout(nn.Module):
    """Dropout of a hidden unit in all tokens of a row at once: a random number per token costs a tenth of a step."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return (B, L, hidden) with a share of the units at 0."""
        if not self.training:
            return hidden
        kept = torch.rand(len(hidden), 1, hidden.shape[-1]) >= DROPOUT
        return hidden * (kept / (1 - DROPOUT)).to(hidden.dtype)


class ReaderNetwork(nn.Module):
    """MiniLM; start and end logits of each token, and from [CLS] the logits of relevant and answerable."""

    def __init__(self) -> None:
        super().__init__()
        config = BertConfig.from_pretrained(embedder_folder())
        # Dropout in the attention would shut off its fast path; the rest is CheapDropout.
        config.attention_probs_dropout_prob = config.hidden_dropout_prob = 0.0
        self.body = BertModel.from_pretrained(
            embedder_folder(), config=config, attn_implementation="sdpa", add_pooling_layer=False
        )
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)
        self.judge = nn.Linear(config.hidden_size, 2)
        self.span = nn.Linear(config.hidden_size, 2)
        for layer in self.body.encoder.layer[FROZEN_LAYERS:]:
            layer.attention.output.dropout, layer.output.dropout = CheapDropout(), CheapDropout()
        for fixed in (self.body.embeddings, *self.body.encoder.layer[:FROZEN_LAYERS]):
            fixed.requires_grad_(requires_grad=False)

    def forward(self, ids: torch.Tensor, types: torch.Tensor, mask: torch.Tensor) -> Any:
        """Return logits (B, 2) of the pair and (B, L, 2) of the tokens."""
        hidden = self.body(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
        pooled = torch.tanh(self.pooler(hidden[:, 0]))
        return self.judge(pooled).float(), self.span(hidden).float()


def tensors(batch: Sequence[Sample]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return ids, types and mask, (B, L)."""
    shape = (len(batch), width_of(batch))
    ids, types, mask = (np.zeros(shape, np.int64) for _ in range(3))
    for place, one in enumerate(batch):
        ids[place, : len(one.ids)] = one.ids
        types[place, one.second : len(one.ids)] = 1
        mask[place, : len(one.ids)] = 1
    return torch.from_numpy(ids), torch.from_numpy(types), torch.from_numpy(mask)


def loss_of(network: ReaderNetwork, batch: Sequence[Sample]) -> torch.Tensor:
    """Return the sum of the three losses; a span may be any gold one, and is [CLS] where there is none."""
    ids, types, mask = tensors(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        judged, logits = network(ids, types, mask)
    open_places = (types * mask).bool()
    open_places[:, 0] = True
    logits = logits.masked_fill(~open_places[..., None], -1e4)
    gold = torch.zeros_like(logits, dtype=torch.bool)
    for place, one in enumerate(batch):
        for first, last in one.spans or [(0, 0)]:
            gold[place, first, 0] = gold[place, last, 1] = True
    chances = functional.log_softmax(logits, dim=1)
    spans = -torch.logsumexp(chances.masked_fill(~gold, -1e4), dim=1).mean()
    wanted = torch.tensor([[one.relevant, one.answerable] for one in batch])
    return spans + functional.binary_cross_entropy_with_logits(judged, wanted)


# Training


class Run:
    """A training run of so many steps: the network, the running average of its weights, how far it is."""

    def __init__(self, total: int) -> None:
        torch.manual_seed(SEED)
        self.network = ReaderNetwork()
        self.done = 0
        self._trained = {name: one for name, one in self.network.named_parameters() if one.requires_grad}
        self.average = {name: one.detach().clone() for name, one in self._trained.items()}
        body, heads = (
            [one for name, one in self._trained.items() if name.startswith("body.") is of_body]
            for of_body in (True, False)
        )
        self._optimiser = torch.optim.AdamW(
            [{"params": body, "lr": RATE}, {"params": heads, "lr": HEAD_RATE}],
            weight_decay=DECAY,
            fused=True,
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser, lambda at: min(at / (WARM_UP * total), (total - at) / ((1 - WARM_UP) * total))
        )

    def step(self, batch: Sequence[Sample]) -> float:
        """Learn from one batch and return its loss."""
        loss = loss_of(self.network, batch)
        loss.backward()
        nn.utils.clip_grad_norm_(self._trained.values(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        self._optimiser.zero_grad()
        share = 1 - min(EMA, (1 + self.done) / (10 + self.done))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self._trained.values()), share)
        self.done += 1
        return float(loss.detach())

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on, whole or not at all."""
        parts = {"network": self.network, "optimiser": self._optimiser, "schedule": self._schedule}
        state = {name: part.state_dict() for name, part in parts.items()}
        state |= {"average": self.average, "step": self.done, "chance": torch.get_rng_state()}
        draft = path.with_suffix(".new")
        torch.save(state, draft)
        draft.rename(path)

    def restore(self, path: Path) -> None:
        """Go on from where `save` was called."""
        state = torch.load(path, weights_only=False)
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])
        self.average = {name: state["average"][name] for name in self._trained}
        self.done = int(state["step"])
        torch.set_rng_state(state["chance"])


def train(work: Path, *, minutes: float | None) -> None:
    """Train, or go on from the last checkpoint; stop after `minutes` if given."""
    torch.set_num_threads(2)
    rows, dev = load("train"), dev_samples()
    negatives = json.loads((work / "negatives.json").read_text())
    passes = [
        batches(epoch_samples(rows, negatives, epoch=epoch), chance=chance_of(f"{SEED} b {epoch}"))
        for epoch in range(EPOCHS)
    ]
    steps = [batch for one in passes for batch in one]
    ends = np.cumsum([len(one) for one in passes])
    looks = {int(end - part * len(one)) for end, one in zip(ends, passes, strict=True) for part in (0, 0.5)}
    run, checkpoint = Run(len(steps)), work / "checkpoint.pt"
    if checkpoint.exists():
        run.restore(checkpoint)
    print(
        f"{len(rows)} rows, {sum(map(len, steps))} samples in {len(steps)} steps, {run.done} done", flush=True
    )
    run.network.train()
    began, seen, losses = time.monotonic(), 0, deque[float](maxlen=100)
    while run.done < len(steps):
        losses.append(run.step(steps[run.done]))
        seen += len(steps[run.done - 1])
        if run.done % 25 == 0:
            rate = seen / (time.monotonic() - began)
            left = sum(map(len, steps[run.done :])) / rate / 60
            place = f"{time.strftime('%H:%M:%S')} step {run.done}/{len(steps)}"
            print(f"{place} loss {np.mean(losses):.3f} {rate:.1f} rows/s {left:.0f} min left", flush=True)
        over = minutes is not None and time.monotonic() - began > 60 * minutes
        if run.done % 200 == 0 or run.done in looks or over:
            run.save(checkpoint)
            torch.save({"average": run.average}, work / f"average-{run.done}.pt")
        if run.done in looks:
            print(f"  dev {json.dumps(evaluate(run.network, run.average, dev))}", flush=True)
        if over:
            print("stopped: the time is up; run it again to go on", flush=True)
            return


# Dev figures


def dev_samples() -> list[tuple[Row, Row, Sample]]:
    """Return half of the dev rows with their own passages, and for some a passage of the same group."""
    chance = chance_of(SEED)
    found = []
    rows = load("dev")
    for row in rows[::2]:
        found.append((row, row, sample(row, row, chance=chance, cropped=0.0)))
        others = [one for one in rows if one.group == row.group and not _holds_answer(one.passage, row)]
        if row.answerable and others and chance.random() < 0.4:
            other = chance.choice(others)
            found.append((row, other, sample(row, other, chance=chance, cropped=0.0)))
    return found


def evaluate(
    network: ReaderNetwork, average: Any, dev: Sequence[tuple[Row, Row, Sample]]
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


# The delta


def export(work: Path, out: Path, *, steps: Sequence[int]) -> None:
    """Write the mean of the averages at some steps as a delta over the packaged weights, with its card."""
    kept = [torch.load(work / f"average-{step}.pt")["average"] for step in steps]
    average = {name: sum(one[name] for one in kept) / len(kept) for name in kept[0]}
    base = load_file(embedder_folder() / "model.safetensors")
    delta = delta_of(average, base)
    merged = merge(base, delta)
    rounded = {name: torch.from_numpy(merged[_shipped(name)]) for name in average}
    network, dev, rows = ReaderNetwork(), dev_samples(), load("train")
    network.load_state_dict(rounded, strict=False)
    network.eval()
    found = read_dev(network, dev)
    card = {
        "base": base_fingerprint(embedder_folder()),
        "seed": SEED,
        "steps": list(steps),
        "trained on": {name: sum(row.set == name for row in rows) for name in TRAINED_ON},
        "answerable": fit_answerable(found, np.array([one.answerable for _, _, one in dev])),
        "dev": figures_of(found, dev),
    }
    save_file(delta, out, metadata={"reader": json.dumps(card)})
    out.chmod(0o644)
    print(f"{out}: {out.stat().st_size:,} bytes\n{json.dumps(card, indent=1)}", flush=True)
    print(f"the same before rounding: {json.dumps(evaluate(network, average, dev))}")


def delta_of(average: Mapping[str, torch.Tensor], base: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what `ragraft.models.reader.merge` adds to the base: matrices in 4 bits, the rest in float16."""
    delta: dict[str, np.ndarray] = {}
    for name, value in average.items():
        shipped, array = _shipped(name), value.numpy()
        if shipped in base and array.ndim == 2:
            delta[f"{shipped}.bits"], delta[f"{shipped}.scales"] = to_bits(array - base[shipped])
        else:
            delta[shipped] = (array - base.get(shipped, 0)).astype(np.float16)
    return delta


def _shipped(name: str) -> str:
    return name.removeprefix("body.") if name.startswith("body.") else f"reader.{name}"


def to_bits(difference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a matrix in 4 bits as `ragraft.models.reader.merge` reads it; of several scales the closest wins."""
    groups = difference.reshape(len(difference), -1, GROUP)
    highest = np.abs(groups).max(axis=-1, keepdims=True)
    best, error = np.zeros_like(highest), np.full_like(highest, np.inf)
    for share in np.linspace(0.5, 1.0, 26):
        scale = (highest * share / 7).astype(np.float16).astype(np.float32) + 1e-12
        missed = np.square(groups - np.clip(np.round(groups / scale), -8, 7) * scale).sum(-1, keepdims=True)
        best, error = np.where(missed < error, scale, best), np.minimum(missed, error)
    levels = (np.clip(np.round(groups / best), -8, 7) + 8).astype(np.uint8).reshape(len(difference), -1)
    return levels[:, ::2] | levels[:, 1::2] << 4, best[..., 0].astype(np.float16)


def fit_answerable(found: np.ndarray, answerable: np.ndarray) -> list[float]:
    """Return the weights of the judge's logit and of the span's lead, and the shift, by logistic regression."""
    inputs = np.column_stack([found[:, 1:3], np.ones(len(found))])
    weights = np.zeros(3)
    for _ in range(30):  # Newton's method
        chances = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        curvature = (inputs * (chances * (1 - chances))[:, None]).T @ inputs + 1e-3 * np.eye(3)
        weights += np.linalg.solve(curvature, inputs.T @ (answerable - chances) - 1e-3 * weights)
    return [round(float(weight), 4) for weight in weights]


def main() -> None:
    """Be the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["mine", "train", "export"])
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, help="stop training after so long; a later run goes on")
    parser.add_argument("--steps", type=int, nargs="+", help="export the mean of the weights at these steps")
    parser.add_argument("--out", type=Path, default=DELTA)
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    if chosen.step == "mine":
        (chosen.work / "negatives.json").write_text(json.dumps(mine(load("train"))))
    elif chosen.step == "train":
        train(chosen.work, minutes=chosen.minutes)
    else:
        export(chosen.work, chosen.out, steps=chosen.steps)


if __name__ == "__main__":
    main()
