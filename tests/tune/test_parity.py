"""The measure of parity, and the real model: its file answers as the trainer's model does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from adapter_world import write_weights
from ragraft.models.files import chat_model_file
from ragraft.models.local import LocalChatModel
from ragraft.tune.base import trainable_folder
from ragraft.tune.gguf_file import write_gguf
from ragraft.tune.masking import ChatEncoder, open_chat_encoder
from ragraft.tune.parity import PARITY_BAR, measure_parity
from ragraft.tune.weights import Floats, tensors_of
from ragraft.types import Completion, Message, Usage

QUESTIONS = [
    "Name three rivers in Germany.", "How many days are there in a leap year?", "Write one sentence about castors.",
    "Why is the sky blue?",
]  # fmt: skip


@pytest.fixture(scope="module")
def encoder() -> ChatEncoder:
    return open_chat_encoder(chat_model_file())


class Parrot:
    """Says the same to every question."""

    name, window = "parrot", 8192

    def __init__(self, text: str, encoder: ChatEncoder, *, more: int = 0, finish: str = "stop") -> None:
        self._text, self._finish = text, finish
        tokens = encoder.tokenizer.encode(text, add_special_tokens=False).ids
        self.tokens = len(tokens) + (finish == "stop") + more

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content) for message in messages)

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, on_text: Callable[[str], None] | None = None
    ) -> Completion:
        return Completion(self._text, Usage(10, self.tokens), self._finish)  # type: ignore[arg-type]  # a test's word


def expecting(*, otherwise: int = 0, by: float = 1.5) -> Callable[[list[int]], Floats]:
    """Return a model that expects what comes, save at the last `otherwise` places, where it prefers token 0."""

    def logits(ids: list[int]) -> Floats:
        rows = np.zeros((len(ids), 49152), np.float32)
        rows[np.arange(len(ids) - 1), ids[1:]] = 5
        for place in range(len(ids) - 1 - otherwise, len(ids) - 1):
            rows[place, 0] = 5 + by
        return rows

    return logits


def test_a_model_that_expects_every_token_agrees_wholly(encoder: ChatEncoder) -> None:
    parrot = Parrot("Paris is the capital.", encoder)
    found = measure_parity(parrot, questions=["a", "b"], encoder=encoder, logits=expecting())
    assert (found.answers, found.identical, found.tokens, found.share, found.gap) == (
        2,
        2,
        2 * parrot.tokens,
        1,
        0,
    )


def test_the_end_of_the_turn_is_one_of_the_tokens(encoder: ChatEncoder) -> None:
    stopped = Parrot("Paris is the capital.", encoder)
    cut = Parrot("Paris is the capital.", encoder, finish="length")
    counts = [
        measure_parity(one, questions=["a"], encoder=encoder, logits=expecting()).tokens
        for one in (stopped, cut)
    ]
    assert counts == [6, 5]


def test_tokens_that_the_trainer_would_not_write_are_counted_with_their_distance(
    encoder: ChatEncoder,
) -> None:
    parrot = Parrot("Paris is the capital.", encoder)
    found = measure_parity(parrot, questions=["a"], encoder=encoder, logits=expecting(otherwise=2))
    assert (found.identical, found.tokens - found.equal, found.gap) == (0, 2, 1.5)


def test_two_forms_that_differ_much_are_not_alike(encoder: ChatEncoder) -> None:
    parrot = Parrot("Paris is the capital.", encoder)
    found = measure_parity(parrot, questions=["a"], encoder=encoder, logits=expecting(otherwise=1))
    assert not found.alike


def test_an_answer_whose_text_was_written_in_other_tokens_is_left_out_and_counted(
    encoder: ChatEncoder,
) -> None:
    parrot = Parrot("Paris is the capital.", encoder, more=1)
    found = measure_parity(parrot, questions=["a"], encoder=encoder, logits=expecting())
    assert (found.answers, found.unclear, found.tokens, found.share) == (0, 1, 0, 1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trainable_folder(chat_model_file(), cache=tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def lora(base: Path) -> Path:
    """An adapter of small random weights on every linear module of the packaged model."""
    peft = pytest.importorskip("peft", reason="the trainer is not installed")
    folder = base.parent / "lora"
    draw = np.random.default_rng(0)
    weights = {}
    for name, tensor in tensors_of(base).items():
        if name.endswith("_proj.weight"):
            of = f"base_model.model.{name.removesuffix('.weight')}"
            tall, wide = tensor.shape
            weights[f"{of}.lora_A.weight"] = draw.uniform(-1, 1, (8, wide)).astype(np.float32) / np.sqrt(wide)
            weights[f"{of}.lora_B.weight"] = draw.normal(0, 0.004, (tall, 8)).astype(np.float32)
    write_weights(folder, weights, file="adapter_model")
    modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    peft.LoraConfig(r=8, lora_alpha=16, target_modules=modules, task_type="CAUSAL_LM").save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trainer(base: Path, lora: Path) -> Callable[[list[int]], Floats]:
    """The model with its adapter in torch, in float32."""
    torch = pytest.importorskip("torch", reason="the trainer is not installed")
    peft = pytest.importorskip("peft", reason="the trainer is not installed")
    transformers = pytest.importorskip("transformers", reason="the trainer is not installed")
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = peft.PeftModel.from_pretrained(model, lora).eval()

    def logits(ids: list[int]) -> Floats:
        with torch.no_grad():
            return model(input_ids=torch.tensor([ids])).logits[0].numpy()

    return logits


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "gap"), [("f16", 0.5), ("q8_0", 1.0)])
def test_the_served_file_answers_as_the_trainer_does(
    base: Path,
    lora: Path,
    trainer: Callable[[list[int]], Floats],
    encoder: ChatEncoder,
    kind: str,
    gap: float,
) -> None:
    file = base.parent / f"{kind}.gguf"
    write_gguf(file, base=base, adapter=lora, kind=kind, name="x")
    served = LocalChatModel(file, threads=2)
    found = measure_parity(served, questions=QUESTIONS, encoder=encoder, logits=trainer, max_tokens=24)
    assert found.answers >= 3, found
    assert found.share >= PARITY_BAR, found
    assert found.gap < gap, found
