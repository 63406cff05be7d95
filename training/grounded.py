"""Makes the adapter for grounded reading: to quote from numbered passages, answer, and say when they do not answer.

    python -m training.grounded rows WORK        # once: 4,000 rows and more of ../shared/data/reading
    python -m training.grounded train WORK       # as often as it takes: it goes on where it was stopped
    python -m training.grounded measure WORK     # beside the untuned model, on sets that it never saw
    python -m training.grounded ship WORK        # into src/ragraft/raft/grounded, in 16 bits, with a card

Rows and order of learning are those of `ragraft.raft` (docs/concepts/raft.md). What is learned sits in the upper
half of the layers and takes less than 12 MB. --rows 40 tries the whole path.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from ragraft.answer.prompt import Budget
from ragraft.errors import UserError
from ragraft.models.files import CHAT_MODEL_NAME, chat_model_file
from ragraft.models.local import LocalChatModel
from ragraft.raft.exam import mark_rows
from ragraft.raft.reading import reading_rows
from ragraft.raft.recipe import raft_dataset
from ragraft.raft.rows import Rows
from ragraft.raft.start import GROUNDED
from ragraft.tune.base import trainable_folder
from ragraft.tune.counting import TokenCounter
from ragraft.tune.export import ADAPTER_WEIGHTS, SERVED, base_name, write_served
from ragraft.tune.presets import SMALL_ON_CPU, Preset
from ragraft.tune.run import refusals
from ragraft.tune.train import train as train_on
from ragraft.tune.trained import read_trained
from ragraft.tune.weights import ADAPTER_CONFIG, tensors_of, write_tensors
from ragraft.tune.wording import REFUSAL
from ragraft.types import AccessLabel, Example, Message, Source

__all__ = ["measure", "read_rows", "write_rows"]

DATA = Path(__file__).resolve().parents[1] / "../shared/data/reading"
SHARES = {
    "squad2-dev-half": 0.35,
    "squadshifts-newwiki": 0.3,
    "fairytaleqa": 0.25,
    "timeqa-human": 0.1,
}
"""The sets that are learned from, and how much of each. covid-qa and selqa are not: they are what it is measured on."""
NEVER_SEEN = ("covid-qa", "selqa")

HELD_OUT, FEWEST_HELD_OUT = 0.05, 8
SUCCESS = 0.85
BUDGET = Budget(passages=2000)
"""As the settings have it for `ragraft ask`."""


def main() -> None:
    """Be the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["rows", "train", "measure", "ship"])
    parser.add_argument("work", type=Path)
    parser.add_argument("--rows", type=int, default=4200, help="to make, or to learn of those made")
    parser.add_argument("--passages", type=int, default=5)
    parser.add_argument("--characters", type=int, default=900, help="of a passage; fewer train faster")
    parser.add_argument("--minutes", type=float, help="what training may take; by default all it needs")
    parser.add_argument("--threads", type=int, help="by default all cores")
    parser.add_argument("--success", type=float, default=SUCCESS, help="share of rows with an answer")
    parser.add_argument("--rate", type=float, default=SMALL_ON_CPU.rate)
    parser.add_argument("--start", type=Path, help="an adapter to go on from, of an earlier run of this")
    parser.add_argument("--questions", type=int, default=100, help="of each set to measure on")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    if chosen.step == "rows":
        make_rows(chosen.work, chosen.rows, chosen.passages, chosen.characters, chosen.seed)
    elif chosen.step == "train":
        train(
            chosen.work,
            count=chosen.rows,
            success=chosen.success,
            preset=_preset(chosen.rate),
            start=chosen.start,
            minutes=chosen.minutes,
            threads=chosen.threads,
            seed=chosen.seed,
        )
    elif chosen.step == "measure":
        measure(chosen.work, questions=chosen.questions, seed=chosen.seed)
    else:
        ship(chosen.work)


def make_rows(work: Path, count: int, passages: int, characters: int, seed: int) -> None:
    """Write the rows to learn from and those held out, unless they are there."""
    counting = TokenCounter(chat_model_file())
    for split, wanted in (("train", count), ("dev", max(FEWEST_HELD_OUT, round(HELD_OUT * count)))):
        if (file := work / f"rows.{split}.jsonl").exists():
            say(f"{file} is there already")
            continue
        made = []
        for name, part in SHARES.items():
            rows = reading_rows(
                DATA / f"{name}.{split}.jsonl",
                count=round(wanted * part),
                seed=seed,
                model=counting,
                refusals=1 - SUCCESS,
                passages=passages,
                characters=characters,
                budget=BUDGET,
            )
            say(f"{name}.{split}: {len(rows.answered)} answers, {len(rows.refused)} refusals {rows.skipped}")
            made.append(rows)
        write_rows(file, _together(made))


def train(
    work: Path,
    *,
    count: int,
    success: float,
    preset: Preset,
    start: Path | None,
    minutes: float | None,
    threads: int | None,
    seed: int,
) -> None:
    """Learn to answer, then to abstain too, and write the adapter with the file that it answers from."""
    out = work / "adapter"
    base = trainable_folder(chat_model_file(), cache=work / "base")
    if not out.exists():
        rows = _some(read_rows(work / "rows.train.jsonl"), round(success * count), seed=seed)
        built = raft_dataset(rows, read_rows(work / "rows.dev.jsonl"), success=success, seed=seed)
        train_on(
            built.dataset,
            base=base,
            out=out,
            work=work / "training",
            preset=preset,
            start=start,
            later=refusals(built.dataset.train),
            seed=seed,
            minutes=minutes,
            threads=threads,
            on_estimate=lambda found: say(f"{found.steps} steps, about {found.seconds / 60:.0f} min"),
            on_progress=lambda at: (
                say(
                    f"{at.step}/{at.steps} loss {at.loss:.3f}, {at.seconds_left / 60:.0f} min left"
                    + (f", {at.looks[-1]}" if at.looks else "")
                )
                if at.step % 10 == 0
                else None
            ),
        )
        before = json.loads((start.parent / "how.json").read_text(encoding="utf-8")) if start else None
        rows_learned = len(built.dataset.train)
        told = {"rows": rows_learned, "success": success, "rate": preset.rate, "seed": seed, "after": before}
        _write_json(work / "how.json", told)
    else:
        say(f"{out} is there already")
    if not (out / SERVED).exists():
        write_served(out, base=base, name="grounded")
    say(f"{out}: {(out / 'adapter_model.safetensors').stat().st_size / 1e6:.1f} MB")


def measure(work: Path, *, questions: int, seed: int) -> None:
    """Ask the untuned and the tuned model questions of sets that neither learned from; print what came of it."""
    counting = TokenCounter(chat_model_file())
    rows = {
        name: reading_rows(
            DATA / f"{name}.dev.jsonl",
            count=questions,
            seed=seed,
            model=counting,
            refusals=0.3,
            budget=BUDGET,
        )
        for name in NEVER_SEEN
    }
    found: dict[str, dict[str, object]] = {}
    for which, path in (("untuned", chat_model_file()), ("tuned", work / "adapter" / SERVED)):
        model = LocalChatModel(path, prefix_caching=True)
        for name, made in rows.items():
            asked = made.examples
            said = model.generate_many([row.messages[:-1] for row in asked], max_tokens=BUDGET.answer)
            outcome, cited = mark_rows(asked, [one.text for one in said], questions=made.questions)
            found[f"{name}, {which}"] = {**asdict(outcome), "right_passage_cited": cited}
            say(f"{name}, {which}: {found[f'{name}, {which}']}")
    _write_json(work / "measured.json", found)


def ship(work: Path) -> None:
    """Put the adapter where a user's training starts from, with what is known of it."""
    made, trained = tensors_of(work / "adapter"), read_trained(work / "adapter")
    measured = json.loads((work / "measured.json").read_text(encoding="utf-8"))
    how = json.loads((work / "how.json").read_text(encoding="utf-8"))
    GROUNDED.mkdir(exist_ok=True)
    halves = {name: replace(tensor, kind="F16") for name, tensor in made.items()}
    write_tensors(
        GROUNDED / ADAPTER_WEIGHTS, ((name, tensor.read()) for name, tensor in made.items()), halves
    )
    config = json.loads((work / "adapter" / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    kept = (
        "layers_pattern",
        "layers_to_transform",
        "lora_alpha",
        "peft_type",
        "r",
        "target_modules",
        "task_type",
    )
    card = {
        "base_model_name_or_path": base_name(chat_model_file(), name=CHAT_MODEL_NAME),
        **{name: config[name] for name in kept},
    }
    _write_json(GROUNDED / ADAPTER_CONFIG, card)
    told = {"looks": [asdict(look) for look in trained.looks], "seconds": round(trained.seconds)}
    _write_json(GROUNDED / "card.json", {"learned_from": SHARES, **how, **told, "measured": measured})
    say(f"{GROUNDED}: {(GROUNDED / ADAPTER_WEIGHTS).stat().st_size / 1e6:.1f} MB")


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def write_rows(path: Path, rows: Rows) -> None:
    """Write rows as JSON lines, refusals last."""
    draft = path.with_suffix(".unfinished")
    lines = [json.dumps({**asdict(row), "label": sorted(row.label.groups)}) for row in rows.examples]
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.rename(path)


def read_rows(path: Path) -> Rows:
    """Return the rows of a file that `write_rows` wrote. Raises: UserError if it is not there."""
    if not path.exists():
        raise UserError(f"{path} is not there", hint="python -m training.grounded rows WORK makes it")
    rows = [_row(json.loads(line)) for line in path.read_text(encoding="utf-8").split("\n") if line]
    refused = [row for row in rows if row.messages[-1].content == REFUSAL]
    answered = [row for row in rows if row.messages[-1].content != REFUSAL]
    return Rows(tuple(answered), tuple(refused), {})


def say(text: str) -> None:
    """Print to standard error, at once."""
    print(text, file=sys.stderr, flush=True)


def _row(found: dict[str, object]) -> Example:
    given: dict[str, list[dict[str, str]]] = found  # type: ignore[assignment]  # as written by write_rows
    return Example(
        id=str(found["id"]),
        kind=str(found["kind"]),
        messages=tuple(Message(one["role"], one["content"]) for one in given["messages"]),  # type: ignore[arg-type]  # likewise
        group=str(found["group"]),
        aliases=tuple(map(str, given.get("aliases", ()))),
        made_from=tuple(Source(one["document"], int(one["revision"])) for one in given["made_from"]),
        label=AccessLabel(frozenset(map(str, given["label"]))),
    )


def _together(made: Sequence[Rows]) -> Rows:
    return Rows(
        tuple(row for rows in made for row in rows.answered),
        tuple(row for rows in made for row in rows.refused),
        {},
    )


def _some(rows: Rows, answered: int, *, seed: int) -> Rows:
    """Return so many of the rows with an answer, at random, and all that refuse."""
    if answered >= len(rows.answered):
        return rows
    chosen = random.Random(seed).sample(rows.answered, answered)  # noqa: S311  an order, not a secret
    return Rows(tuple(chosen), rows.refused, rows.skipped)


def _preset(rate: float) -> Preset:
    import torch

    preset = replace(
        SMALL_ON_CPU, name="grounded", epochs=1, patience=SMALL_ON_CPU.looks, replay=0.0, rate=rate
    )
    # The same layers everywhere: what is made on a GPU must fit where a user goes on from it.
    return replace(preset, micro_tokens=32768) if torch.cuda.is_available() else preset


if __name__ == "__main__":
    main()
