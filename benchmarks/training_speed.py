"""Tokens per second of training, beside TRL's SFTTrainer on the same rows, and how true the estimate is.

SmolLM2-135M learns from passages with questions (reading) and questions alone (handbook): equal rows, equal rank,
alpha, modules, rows per step, epochs, learning rate and schedule, so an equal number of steps of the optimiser; each
run in a process of its own, in turn, on as many threads. A token counts once per epoch it is trained in, padding not at
all. Loading the model is in no figure. Ours includes what the frozen layers compute beforehand; the probe for the
estimate is a fixed half minute and stands with the whole call.

The trainer is measured as it comes, at the best bf16 setting that we found (weights in bf16, no checkpointing, rows of like
length together), and at that with its adapters in the upper layers like ours. After training each adapter is put
on the base by PEFT and scored on the same held-out rows: what is quick must not have learned less for it.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Report, at_least_times, run, say
from benchmarks.ground import DATA
from ragraft.models.files import chat_model_file
from ragraft.models.processor import thread_count
from ragraft.tune.base import trainable_folder
from ragraft.tune.estimate import Estimate
from ragraft.tune.masking import open_chat_encoder
from ragraft.tune.presets import SMALL_ON_CPU
from ragraft.types import AccessLabel, Dataset, Example, Message

CACHE = Path(tempfile.gettempdir()) / "ragraft-benchmarks" / "models"
PRESET = replace(SMALL_ON_CPU, replay=0.0)
AS_IT_COMES, BEST, UPPER = (
    "SFTTrainer as it comes",
    "SFTTrainer, best bf16",
    "SFTTrainer, best bf16, upper layers",
)
OURS, OURS_ALL = "ours", "ours, all layers"
VARIANTS = (OURS, AS_IT_COMES, BEST, UPPER, OURS_ALL)


@dataclass(frozen=True, slots=True)
class Scale:
    """Rows of each of the two kinds, those held out on top, epochs, and rounds."""

    rows: int = 64
    held_out: int = 24
    epochs: int = PRESET.epochs
    rounds: int = 1
    threads: int = 0


QUICK = Scale(rows=16, held_out=8, epochs=1)


def measure(scale: Scale) -> Report:
    """Return the figures: every variant in turn, as many rounds as asked for."""
    base = trainable_folder(chat_model_file(), cache=CACHE)
    report = Report(
        settings={"threads": scale.threads or thread_count(), "rows": 2 * scale.rows, "epochs": scale.epochs}
    )
    runs: dict[str, list[dict[str, Any]]] = {variant: [] for variant in VARIANTS}
    for _ in range(scale.rounds):
        for variant in VARIANTS:
            runs[variant].append(_in_a_process(variant, base, scale))
            say(f"{variant}: {runs[variant][-1]}")
    report.detail["runs"] = runs
    speed = {name: statistics.median(one["rate"] for one in of) for name, of in runs.items()}
    memory = {name: statistics.median(one["memory"] for one in of) for name, of in runs.items()}
    loss = {name: statistics.median(one["held_out_loss"] for one in of) for name, of in runs.items()}
    for peer, target in ((AS_IT_COMES, at_least_times(2.5)), (BEST, at_least_times(1.3)), (UPPER, None)):
        report.add(Figure("training", speed[OURS], "tokens/s", target, peer, speed[peer]))
    report.add(
        Figure("training, adapters in all layers", speed[OURS_ALL], "tokens/s", None, BEST, speed[BEST])
    )
    for peer in (AS_IT_COMES, BEST):
        report.add(Figure("peak memory", memory[OURS], "GB", None, peer, memory[peer]))
    for peer in (AS_IT_COMES, BEST):
        report.add(Figure("held-out loss afterwards", loss[OURS], "nats/token", None, peer, loss[peer]))
    report.add(
        Figure("held-out loss afterwards, all layers", loss[OURS_ALL], "nats/token", None, BEST, loss[BEST]),
        Figure("held-out loss of the base", runs[OURS][0]["base_loss"], "nats/token"),
        *(
            Figure("whole call", one["whole"], "s", None, "estimate", one["estimate"], note="estimate")
            for one in runs[OURS]
        ),
    )
    return report


def _in_a_process(variant: str, base: Path, scale: Scale) -> dict[str, Any]:
    told = json.dumps([variant, str(base), scale.rows, scale.held_out, scale.epochs, scale.threads])
    command = [sys.executable, "-m", "benchmarks.training_speed", "--one", told]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{variant} failed:\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _train_one(told: str) -> dict[str, Any]:
    """Train one variant in this process."""
    import torch

    variant, base, rows, held_out, epochs, threads = json.loads(told)
    torch.set_num_threads(threads or thread_count())
    dataset = _dataset(rows, held_out)
    with tempfile.TemporaryDirectory(prefix="ragraft-training-") as folder:
        way = _ours if variant in (OURS, OURS_ALL) else _peer
        found = way(variant, dataset, Path(base), Path(folder), epochs)
        found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        found["held_out_loss"] = _loss(dataset.held_out, Path(base), Path(folder) / "out")
    if variant == OURS:
        found["base_loss"] = _loss(dataset.held_out, Path(base), None)
    return found


def _ours(variant: str, dataset: Dataset, base: Path, folder: Path, epochs: int) -> dict[str, Any]:
    import torch

    from ragraft.tune.train import train

    preset = replace(PRESET, epochs=epochs, upper=1.0 if variant == OURS_ALL else PRESET.upper)
    clock: list[tuple[float, float, Estimate]] = []
    # Without held-out rows it takes no looks, as the peer takes none.
    trained = train(
        replace(dataset, held_out=()),
        base=base,
        out=folder / "out",
        work=folder / "work",
        preset=preset,
        threads=torch.get_num_threads(),
        on_estimate=lambda estimate: clock.append((time.monotonic(), time.process_time(), estimate)),
    )
    began, cpu, estimate = clock[0]
    tokens = epochs * sum(len(open_chat_encoder(base).encode(one.messages).ids) for one in dataset.train)
    return {
        **_rates(tokens, began, cpu),
        "steps": trained.steps,
        "whole": trained.seconds,
        "estimate": estimate.seconds,
    }


def _rates(tokens: int, began: float, cpu: float) -> dict[str, float]:
    """Return tokens per second of the clock, and of processor time, which others on the machine disturb less."""
    return {"rate": tokens / (time.monotonic() - began), "cpu_rate": tokens / (time.process_time() - cpu)}


def _peer(variant: str, dataset: Dataset, base: Path, folder: Path, epochs: int) -> dict[str, Any]:
    import datasets
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    datasets.disable_progress_bars()
    rows = datasets.Dataset.from_list(
        [
            {
                "prompt": [{"role": turn.role, "content": turn.content} for turn in example.messages[:-1]],
                "completion": [{"role": "assistant", "content": example.messages[-1].content}],
            }
            for example in dataset.train
        ]
    )
    best = variant != AS_IT_COMES
    better = {"gradient_checkpointing": False, "train_sampling_strategy": "group_by_length"} if best else {}
    arguments = SFTConfig(
        output_dir=str(folder / "work"),
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        seed=0,
        num_train_epochs=epochs,
        per_device_train_batch_size=PRESET.rows,
        learning_rate=PRESET.rate,
        warmup_steps=PRESET.warm_up,
        max_grad_norm=PRESET.clip,
        **better,
    )
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16 if best else torch.float32)
    layers = model.config.num_hidden_layers
    upper = list(range(layers - round(layers * PRESET.upper), layers)) if variant == UPPER else None
    lora = LoraConfig(
        r=PRESET.rank,
        lora_alpha=PRESET.alpha,
        lora_dropout=PRESET.dropout,
        target_modules=list(PRESET.modules),
        layers_to_transform=upper,
        task_type="CAUSAL_LM",
    )
    tokenizer = AutoTokenizer.from_pretrained(base)
    trainer = SFTTrainer(model, arguments, train_dataset=rows, processing_class=tokenizer, peft_config=lora)
    tokens = epochs * sum(map(len, trainer.train_dataset["input_ids"]))
    began, cpu = time.monotonic(), time.process_time()
    trainer.train()
    found = {**_rates(tokens, began, cpu), "steps": trainer.state.global_step}
    trainer.model.save_pretrained(folder / "out", save_embedding_layers=False)
    return found


def _loss(examples: Sequence[Example], base: Path, adapter: Path | None) -> float:
    """Return nats per answer token, the whole model on one row at a time, whoever trained the adapter."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    encoder = open_chat_encoder(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, str(adapter))
    total, count = 0.0, 0
    for example in examples:
        encoded = encoder.encode(example.messages)
        with torch.no_grad():
            chances = model(input_ids=torch.tensor([encoded.ids])).logits[0].float().log_softmax(-1)
        learned = [at for at, trained in enumerate(encoded.trained) if trained and at]
        total -= sum(float(chances[at - 1, encoded.ids[at]]) for at in learned)
        count += len(learned)
    return total / count


def _dataset(rows: int, held_out: int) -> Dataset:
    """Return rows of both kinds, the same ones each time; those held out are of other documents."""
    chance = random.Random(0)
    reading = _lines("reading/squad2-dev-half.train.jsonl")
    questions = [row for row in _lines("handbook/questions/train.jsonl") if row["evidence"]]
    read = [
        (
            row["group"],
            f"{row['passage']}\n\nQuestion: {row['question']}",
            row["answer"],
        )
        for row in reading
        if row["answerable"]
    ]
    asked = [(row["evidence"][0]["document"], row["question"], row["answer"]) for row in questions]
    train: list[Example] = []
    tested: list[Example] = []
    for kind in (read, asked):
        chance.shuffle(kind)
        groups = sorted({group for group, _, _ in kind})
        apart = set(groups[: max(1, len(groups) // 5)])
        train += [_example(one) for one in kind if one[0] not in apart][:rows]
        tested += [_example(one) for one in kind if one[0] in apart][:held_out]
    return Dataset(tuple(train), tuple(tested), "speed", AccessLabel())


def _example(one: tuple[str, str, str]) -> Example:
    group, question, answer = one
    return Example(
        question[:40], "question", (Message("user", question), Message("assistant", answer)), group
    )


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=1, help="how often each is trained; the median counts")
    parser.add_argument("--rows", type=int, default=Scale().rows, help="rows of each of the two kinds")
    parser.add_argument("--threads", type=int, default=0, help="threads of each; by default all processors")


def main() -> int:
    """Measure, or be one of the processes that train."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(_train_one(sys.argv[2])))
        return 0
    return run(
        "training_speed",
        lambda chosen: measure(
            QUICK if chosen.quick else Scale(rows=chosen.rows, rounds=chosen.rounds, threads=chosen.threads)
        ),
        about=str(__doc__),
        options=_options,
    )


if __name__ == "__main__":
    sys.exit(main())
