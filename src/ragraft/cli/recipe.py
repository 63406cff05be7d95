"""How a tuned model is made from a workspace: what the user chose, and everything that follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ragraft.errors import SettingsError, UserError
from ragraft.models.files import CHAT_MODEL_NAME, chat_model_file
from ragraft.questions import read_questions
from ragraft.systems import Workbench
from ragraft.tune.base import Base, open_base
from ragraft.tune.dataset import Built, build_dataset
from ragraft.tune.gates.style import read_style
from ragraft.tune.making import Made, made
from ragraft.tune.presets import Method, preset_for
from ragraft.tune.run import Watch
from ragraft.tune.train import accelerated
from ragraft.tune.unfinished import training_folder
from ragraft.types import Caller

__all__ = ["Ingredients", "Recipe", "recipe_from"]


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a recipe takes from a workspace at one moment."""

    built: Built
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the user chose. It is kept on the card, so that the model can be made again in the same way."""

    method: Method = "lora"
    minutes: float | None = None
    style: Path | None = None
    avoid: tuple[Path, ...] = ()
    base: Path | None = None
    readers: str | None = None
    seed: int = 0

    def told(self) -> dict[str, Any]:
        """Return the recipe as a card keeps it."""
        return {
            "method": self.method,
            "minutes": self.minutes,
            "style": str(self.style) if self.style else None,
            "avoid": [str(path) for path in self.avoid],
            "base": str(self.base) if self.base else None,
            "for": self.readers,
            "seed": self.seed,
        }

    def reader(self, bench: Workbench) -> Caller:
        """Return who may read what is trained on."""
        return bench.caller(groups=(self.readers,) if self.readers else ())

    def ingredients(self, bench: Workbench) -> Ingredients:
        """Read the examples and split them. Raises: UserError if there are none to train on."""
        read_at = bench.adapters.moment()
        examples = bench.examples.trainable(self.reader(bench))
        if not examples:
            told = (
                f"there are no examples that {self.readers} may read"
                if self.readers
                else "there are no examples"
            )
            raise UserError(f"{told} to train on", hint="add some: ragraft examples add FILE")
        questions = [question for path in self.avoid for question in read_questions(path)]
        return Ingredients(build_dataset(examples, seed=self.seed, avoid=questions), read_at)

    @contextmanager
    def follow(
        self,
        bench: Workbench,
        name: str,
        given: Ingredients,
        *,
        force: bool = False,
        watch: Watch | None = None,
    ) -> Iterator[Made]:
        """Make the model and hold it until the block ends. Raises: as `ragraft.tune.making.made` does."""
        settings = bench.settings
        rules = self.style or settings.tune.style
        with made(
            name,
            given.built,
            base=self._base(bench),
            preset=preset_for(method=self.method, accelerator=accelerated()),
            work=training_folder(bench.adapters_folder, name),
            recipe=self.told(),
            style=read_style(rules) if rules else None,
            minutes=self.minutes,
            seed=self.seed,
            price_per_hour=settings.tune.price_per_hour,
            force=force,
            threads=settings.embedder.threads,
            watch=watch,
        ) as ready:
            yield ready

    def _base(self, bench: Workbench) -> Base:
        """Return the model to tune: the one chosen, that of the settings, or the packaged one."""
        settings = bench.settings.model
        if self.base is None and settings.url is not None:
            raise SettingsError(
                "the model in ragraft.toml is behind an address, and weights cannot be tuned from here",
                hint="name its folder on this machine: ragraft tune --base FOLDER",
            )
        packaged = self.base is None and settings.path is None
        return open_base(
            self.base or settings.path or chat_model_file(),
            name=CHAT_MODEL_NAME if packaged else "",
            cache=bench.workspace.state / "models",
        )


def recipe_from(told: Mapping[str, Any]) -> Recipe:
    """Return the recipe that a card keeps; a card without one was made in the usual way."""
    return Recipe(
        method=told.get("method") or "lora",
        minutes=told.get("minutes"),
        style=Path(told["style"]) if told.get("style") else None,
        avoid=tuple(Path(path) for path in told.get("avoid") or ()),
        base=Path(told["base"]) if told.get("base") else None,
        readers=told.get("for"),
        seed=told.get("seed") or 0,
    )
