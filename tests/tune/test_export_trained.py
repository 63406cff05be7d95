"""From a training to an answer: what the trainer leaves is made known, opened and asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapter_world import adapter, registry_of
from ragraft.access.labels import OWNER
from ragraft.models.local import LocalChatModel
from ragraft.systems import Workbench
from ragraft.tune.export import base_name, export_adapter, served_file, write_served
from ragraft.tune.masking import open_chat_encoder
from ragraft.tune.parity import measure_parity
from ragraft.tune.tuned import TunedSystem, require_admitted
from ragraft.tune.weights import Floats
from ragraft.types import Adapter, SystemCard
from training_world import PRESET, run, small_dataset

QUESTIONS = [f"What is the code of item {number}?" for number in range(6)]


@pytest.fixture(scope="module", params=["lora", "full"])
def trained(
    request: pytest.FixtureRequest, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A trained folder with the file that answers are given with."""
    preset = (
        PRESET
        if request.param == "lora"
        else replace(PRESET, method="full", upper=1.0, rate=2e-3, dropout=0.0)
    )
    done = run(
        tiny_base, tmp_path_factory.mktemp("run"), preset=preset, dataset=small_dataset(train=30, held_out=4)
    )
    write_served(done.path, base=tiny_base, name="tiny")
    return done.path


def torch_model(trained: Path, base: Path) -> object:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    if not (trained / "adapter_config.json").exists():
        return AutoModelForCausalLM.from_pretrained(trained, dtype=torch.float32).eval()
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return PeftModel.from_pretrained(model, trained).eval()


def test_the_served_file_answers_as_the_trained_model(trained: Path, tiny_base: Path) -> None:
    import torch

    model = torch_model(trained, tiny_base)

    def logits(ids: list[int]) -> Floats:
        with torch.no_grad():
            return model(input_ids=torch.tensor([ids])).logits[0].numpy()

    served = LocalChatModel(served_file(adapter(path=trained)), threads=1)
    encoder = open_chat_encoder(tiny_base)
    found = measure_parity(served, questions=QUESTIONS, encoder=encoder, logits=logits, max_tokens=16)
    assert found.answers >= 3, found
    assert found.alike, found


def test_a_merged_folder_opens_and_computes_what_the_trained_model_does(
    trained: Path, tiny_base: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    export_adapter(adapter(path=trained), to=tmp_path / "out", form="hf", base=tiny_base)
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32).eval()
    ids = torch.tensor([open_chat_encoder(tiny_base).tokenizer.encode(QUESTIONS[0]).ids])
    with torch.no_grad():
        expected = torch_model(trained, tiny_base)(input_ids=ids).logits
        assert torch.allclose(merged(input_ids=ids).logits, expected, atol=1e-3)


def test_a_trained_model_is_made_known_and_answers(trained: Path, tiny_base: Path, bench: Workbench) -> None:
    import shutil

    draft = bench.workspace.state / "draft"
    shutil.copytree(trained, draft)
    registry = registry_of(bench)
    made: Adapter = adapter(path=draft, base=base_name(tiny_base))
    known = registry.add(made, read_at=registry.moment(), caller=OWNER)
    model = LocalChatModel(served_file(known), threads=1)
    tuned = TunedSystem(
        card=SystemCard("house", "tuned", model.name, ""),
        model=model,
        admit=lambda caller: require_admitted(registry.find("house", caller=OWNER), caller),
        answer_tokens=16,
    )
    answer = tuned.answer(QUESTIONS[0], caller=OWNER)
    assert answer.reason.startswith("from the tuned model's memory")
    assert answer.citations == ()
