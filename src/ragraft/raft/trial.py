"""Shares of success rows tried on a model: each is learned without gates, and asked the held-out questions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from ragraft.models.local import LocalChatModel
from ragraft.raft.exam import mark_rows
from ragraft.raft.recipe import SHARES, Outcome, Trial, data_of, mixed, sweep
from ragraft.raft.rows import Rows
from ragraft.tune.base import Base
from ragraft.tune.checkpoints import put_in_place
from ragraft.tune.export import SERVED, write_served
from ragraft.tune.gates.exam import AnswerSheet
from ragraft.tune.presets import Preset
from ragraft.tune.run import Watch, refusals
from ragraft.tune.train import train
from ragraft.types import Dataset, Example

__all__ = ["try_shares"]


def try_shares(
    rows: Rows,
    held_out: Rows,
    *,
    base: Base,
    preset: Preset,
    start: Path | None,
    work: Path,
    answer_tokens: int,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
    threads: int | None = None,
    watch: Watch | None = None,
) -> tuple[Trial, ...]:
    """Return what came of each share: a model learns its rows and is asked all held-out ones.

    The folder `work` keeps what is done; a call with the same arguments goes on there. Raises: as
    `ragraft.tune.train.train` does.
    """
    watch = watch or Watch()

    def learned(dataset: Dataset, out: Path) -> Path:
        if not out.exists():
            train(
                dataset,
                base=base.folder,
                out=out,
                work=out.with_suffix(".checkpoints"),
                preset=preset,
                start=start,
                later=refusals(dataset.train),
                seed=seed,
                threads=threads,
                on_progress=watch.progress,
            )
        if not (out / SERVED).exists():
            write_served(out, base=base.folder, name=base.name)
        return out / SERVED

    def measure(chosen: Sequence[Example]) -> Outcome:
        dataset = data_of(chosen, mixed(held_out, seed=seed))
        out = work / dataset.fingerprint
        kept = out.with_suffix(".json")
        if not kept.exists():
            watch.stage(f"trying {len(chosen)} rows, {len(refusals(chosen))} of them refusals")
            outcome = _asked(learned(dataset, out), held_out, answer_tokens, threads, watch.answers)
            draft = kept.with_suffix(".unfinished")
            draft.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
            put_in_place(draft, kept)
            shutil.rmtree(out)
        return Outcome(**json.loads(kept.read_text(encoding="utf-8")))

    return sweep(rows, measure=measure, shares=shares, seed=seed)


def _asked(
    served: Path, held_out: Rows, tokens: int, threads: int | None, on_answers: Callable[[int, int], None]
) -> Outcome:
    model, rows = LocalChatModel(served, threads=threads, prefix_caching=True), held_out.examples
    sheet = AnswerSheet(lambda asked: [made.text for made in model.generate_many(asked, max_tokens=tokens)])
    prompts = [row.messages[:-1] for row in rows]
    sheet.fill(prompts, on_answers=lambda done: on_answers(done, len(rows)))
    return mark_rows(rows, [sheet(prompt) for prompt in prompts], questions=held_out.questions)[0]
