"""Losses of each token: against torch's own, one by one or together, and of everything that training leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragraft.errors import ModelError
from ragraft.tune.losses import Losses
from ragraft.tune.masking import open_chat_encoder
from ragraft.types import Message
from training_world import PRESET, run, small_dataset

TEXTS = [
    "The ship lies in the harbour.",
    "Snow.",
    "A long winter makes the wolves come down to the villages.",
]
ALIKE = [
    (Message("user", "What is the code of the attic?"), Message("assistant", f"{code:03}-{code * 7}"))
    for code in range(100, 110)
]
MIXED = [
    (
        Message("system", "Be brief."),
        Message("user", "Hello."),
        Message("assistant", "Good day to you."),
        Message("user", "What is the code?"),
        Message("assistant", "12."),
    ),
    *ALIKE[:2],
]
CLOSE = 1e-3
"""Nats, in float32."""


@pytest.fixture(scope="module", autouse=True)
def _exact() -> Iterator[None]:
    """Have losses computed in float32: bfloat16 rounds otherwise where rows of another length lie beside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ragraft.tune.losses.multiplies_bfloat16", lambda _device: False)
        yield


@pytest.fixture(scope="module", params=["lora", "full"])
def trained(
    request: pytest.FixtureRequest, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder as training leaves it: of PEFT, or of a model trained whole."""
    preset = replace(PRESET, epochs=1, looks=1)
    if request.param == "full":
        preset = replace(preset, method="full", upper=1.0, rate=2e-3)
    folder = tmp_path_factory.mktemp("run")
    return run(tiny_base, folder, preset=preset, dataset=small_dataset(train=24, held_out=2)).path


@pytest.fixture(scope="module")
def base_losses(tiny_base: Path) -> Losses:
    return Losses(tiny_base, threads=1)


def plainly(model: Any, ids: Sequence[int], marks: Sequence[bool]) -> list[float]:
    """Return what torch says of one row alone, by its whole logits."""
    import torch

    row = torch.tensor([list(ids)])
    with torch.no_grad():
        logits = model(row).logits[0, :-1].float()
    found = torch.nn.functional.cross_entropy(logits, row[0, 1:], reduction="none").tolist()
    return [loss for loss, wanted in zip(found, marks[1:], strict=True) if wanted]


def opened(base: Path, tuned: Path | None = None) -> Any:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    if tuned is not None and not (tuned / "adapter_config.json").exists():
        return AutoModelForCausalLM.from_pretrained(tuned, dtype=torch.float32).eval()
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return (model if tuned is None else PeftModel.from_pretrained(model, tuned)).eval()


def test_every_token_of_a_text_but_the_first_has_a_loss(base_losses: Losses, tiny_base: Path) -> None:
    tokenizer = open_chat_encoder(tiny_base).tokenizer
    lengths = [len(tokenizer.encode(text, add_special_tokens=False).ids) - 1 for text in TEXTS]
    assert [len(losses) for losses in base_losses.of_texts(TEXTS)] == lengths


def test_losses_of_texts_are_those_of_the_whole_logits(base_losses: Losses, tiny_base: Path) -> None:
    tokenizer, model = open_chat_encoder(tiny_base).tokenizer, opened(tiny_base)
    for text, losses in zip(TEXTS, base_losses.of_texts(TEXTS), strict=True):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert losses == pytest.approx(plainly(model, ids, [True] * len(ids)), abs=CLOSE)


@pytest.mark.parametrize("turns", [ALIKE, MIXED], ids=["alike", "mixed"])
def test_losses_of_turns_are_of_the_tokens_that_are_trained(
    base_losses: Losses, tiny_base: Path, turns: list[tuple[Message, ...]]
) -> None:
    encoder, model = open_chat_encoder(tiny_base), opened(tiny_base)
    for messages, losses in zip(turns, base_losses.of_turns(turns), strict=True):
        encoded = encoder.encode(messages)
        assert losses == pytest.approx(plainly(model, encoded.ids, encoded.trained), abs=CLOSE)


def test_a_shared_start_gives_the_same_as_one_by_one(base_losses: Losses) -> None:
    together = base_losses.of_turns(ALIKE)
    for messages, losses in zip(ALIKE, together, strict=True):
        assert losses == pytest.approx(base_losses.of_turns([messages])[0], abs=CLOSE)


def test_a_shared_start_is_read_once(base_losses: Losses, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    batch = Losses._batch

    def note(self: Losses, rows: Sequence[Sequence[int]], *rest: Any) -> Any:
        lengths.extend(map(len, rows))
        return batch(self, rows, *rest)

    monkeypatch.setattr(Losses, "_batch", note)
    base_losses.of_turns(ALIKE[:1])
    alone = lengths.pop()
    base_losses.of_turns(ALIKE)
    assert max(lengths) < alone


@pytest.mark.parametrize(
    "texts", [["Snow falls."] * 3, ["Snow falls", "Snow falls on the roof."]], ids=["equal", "one in another"]
)
def test_rows_that_end_within_the_shared_start_have_all_their_losses(
    base_losses: Losses, texts: list[str]
) -> None:
    for text, losses in zip(texts, base_losses.of_texts(texts), strict=True):
        assert losses == pytest.approx(base_losses.of_texts([text])[0], abs=CLOSE)


def test_the_order_is_that_of_the_rows_and_not_of_their_lengths(base_losses: Losses) -> None:
    turned = base_losses.of_texts(TEXTS[::-1])[::-1]
    for losses, others in zip(base_losses.of_texts(TEXTS), turned, strict=True):
        assert losses == pytest.approx(others, abs=CLOSE)


def test_nothing_has_no_losses(base_losses: Losses) -> None:
    assert base_losses.of_turns([]) == []


def test_what_training_left_has_the_losses_of_the_trained_model(trained: Path, tiny_base: Path) -> None:
    encoder, model = open_chat_encoder(tiny_base), opened(tiny_base, trained)
    losses = Losses(tiny_base, trained, threads=1).of_turns(MIXED)
    for messages, found in zip(MIXED, losses, strict=True):
        encoded = encoder.encode(messages)
        assert found == pytest.approx(plainly(model, encoded.ids, encoded.trained), abs=CLOSE)


def test_the_losses_are_the_trainers(trained: Path, tiny_base: Path) -> None:
    told = json.loads((trained / "training.json").read_text())
    best = min(told["looks"], key=lambda look: look["loss"])
    rows = [example.messages for example in small_dataset(train=24, held_out=2).held_out]
    losses = [loss for row in Losses(tiny_base, trained, threads=1).of_turns(rows) for loss in row]
    # The trainer's own are in bfloat16 where the processor has it.
    assert sum(losses) / len(losses) == pytest.approx(best["loss"], abs=0.03)


def test_a_folder_without_a_model_is_named(tmp_path: Path, tiny_base: Path) -> None:
    with pytest.raises(ModelError, match="cannot be opened"):
        Losses(tiny_base, tmp_path, threads=1)
