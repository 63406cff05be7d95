"""From examples to a tuned model and its gates: the whole run of `ragraft tune`.

The base answers first: what it says is what the tuned model is measured by, and shows how long the gates will take.
Then the model is trained, and beside it the twin that betrays what is learned by heart. A run that was stopped is
taken up where it stood: everything that takes long is kept in its folder until the registry has taken the adapter over.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from ragraft.models.files import fingerprint
from ragraft.tune.base import Base
from ragraft.tune.card import training_card
from ragraft.tune.checkpoints import claimed
from ragraft.tune.dataset import Built
from ragraft.tune.export import ADAPTER_WEIGHTS
from ragraft.tune.gates.gate import Gate
from ragraft.tune.gates.style import Style
from ragraft.tune.presets import Preset
from ragraft.tune.run import Run, Watch
from ragraft.tune.trained import Trained
from ragraft.tune.unfinished import forgotten_if_erased
from ragraft.types import Adapter, Dataset, Source

__all__ = ["Made", "adapter_print", "made"]


@dataclass(frozen=True, slots=True)
class Made:
    """A tuned model with its weights in `adapter.path`.

    `seconds` and `estimate_seconds` are of the whole run, gates and twin included.
    """

    adapter: Adapter
    seconds: float
    estimate_seconds: float
    trained: Trained
    gates: tuple[Gate, ...]


@contextmanager
def made(
    name: str,
    built: Built,
    *,
    base: Base,
    preset: Preset,
    work: Path,
    start: Path | None = None,
    recipe: Mapping[str, Any] | None = None,
    style: Style | None = None,
    minutes: float | None = None,
    seed: int = 0,
    price_per_hour: float = 0.0,
    force: bool = False,
    threads: int | None = None,
    twin: bool = True,
    watch: Watch | None = None,
) -> Iterator[Made]:
    """Train a model on a data set, pass it through its gates, and hold it for the registry to take over.

    `work` is where a run that was stopped is taken up, by a call with the same arguments; only `minutes` may differ
    then. It is gone when the block ends, or when it raises ErasedSourceError: nothing that was made of an erased
    document stays. `minutes` are of the whole run. With `force` the adapter may be used whatever its gates say; that
    is on record. `start` is an adapter of the same base that learning goes on from. Without the `twin` the gates of memory
    are not measured, which counts as not passed. `recipe` goes onto the card as it is.

    Raises: UserError if the minutes are too few, another process trains there, or the disk is full; ModelError if
    the model cannot be trained.
    """
    told = {"base": base.name, "data": built.dataset.fingerprint, "preset": asdict(preset), "seed": seed}
    told["start"] = adapter_print(start)
    identity = sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    with claimed(work, identity):
        run = Run(
            built.dataset,
            base=base,
            preset=preset,
            start=start,
            work=work,
            style=style,
            minutes=minutes,
            seed=seed,
            price_per_hour=price_per_hour,
            threads=threads,
            twin=twin,
            watch=watch or Watch(),
        )
        with run.timed():
            trained, gates = run.make()
        seconds, estimate = run.state.spent, run.state.estimate
        adapter = Adapter(
            name=name,
            path=str(trained.path),
            base_model=base.name,
            method=preset.method,
            dataset_fingerprint=built.dataset.fingerprint,
            label=built.dataset.label,
            made_from=_sources(built.dataset),
            tainted_by=(),
            gates={gate.name: gate.record() for gate in gates},
            forced=force,
            made_at=datetime.now(UTC),
            card={
                **training_card(built, trained, preset=preset, seed=seed, seconds=seconds, estimate=estimate),
                "start": adapter_print(start),
                "system": _shared_system(built.dataset),
                "recipe": dict(recipe or {}),
            },
        )
        with forgotten_if_erased(work):
            yield Made(adapter, seconds, estimate, trained, tuple(gates))


def adapter_print(start: Path | None) -> str | None:
    """Return the fingerprint of the adapter that learning goes on from, None if it begins with the base."""
    return fingerprint([start / ADAPTER_WEIGHTS]) if start else None


def _shared_system(dataset: Dataset) -> str:
    """Return the system text that more than half of the conversations begin with, "" if there is none."""
    texts = Counter(
        example.messages[0].content for example in dataset.train if example.messages[0].role == "system"
    )
    text, count = texts.most_common(1)[0] if texts else ("", 0)
    return text if count * 2 > len(dataset.train) else ""


def _sources(dataset: Dataset) -> tuple[Source, ...]:
    """Return every document of a data set, held out or not: what was held out chose which weights were kept."""
    seen = {source for example in (*dataset.train, *dataset.held_out) for source in example.made_from}
    return tuple(sorted(seen, key=lambda source: (source.document, source.revision or 0)))
