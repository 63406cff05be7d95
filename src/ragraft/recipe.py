"""How a tuned model is made from a workspace: what the user chose, and everything that follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from ragraft.chosen import open_helper, place_of
from ragraft.errors import SettingsError, UserError
from ragraft.models.files import CHAT_MODEL_NAME, chat_model_file
from ragraft.questions import read_questions, with_uris
from ragraft.raft.asked import questions_from
from ragraft.raft.paraphrase import kept_paraphrases, paraphraser
from ragraft.raft.recipe import SHARES, SUCCESS, Trial, best_trial, raft_dataset, split_questions
from ragraft.raft.rows import Paraphrase, Rows, raft_rows
from ragraft.raft.start import start_for
from ragraft.raft.trial import try_shares
from ragraft.systems import Workbench
from ragraft.tune.base import Base, open_base
from ragraft.tune.checkpoints import claimed
from ragraft.tune.counting import TokenCounter
from ragraft.tune.dataset import Built, build_dataset
from ragraft.tune.gates.style import read_style
from ragraft.tune.making import Made, adapter_print, made
from ragraft.tune.presets import Method, Preset, preset_for
from ragraft.tune.run import Watch
from ragraft.tune.train import accelerated
from ragraft.tune.unfinished import forgotten_if_erased, training_folder
from ragraft.types import Caller, Question

__all__ = ["PARAPHRASES", "Ingredients", "Recipe", "recipe_from"]

HELD_OUT = 0.2
"""Share of the questions that a model learning from passages is tried on: there are fewer of them than examples."""

PARAPHRASES = 2
"""Other wordings of an answer that a teacher is asked for."""

WORDINGS, SHARES_TRIED = "@wordings", "{name}@shares"
"""Where a teacher's wordings and the trials of a sweep are kept: beside trainings that were stopped, so that erasing
deletes them too, under names that no adapter may have."""


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a recipe takes from a workspace at one moment; for RAFT with the rows to learn and those held out."""

    built: Built
    read_at: datetime
    rows: tuple[Rows, Rows] | None = None


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
    raft: bool = False
    questions: Path | None = None
    success: float = SUCCESS
    paraphrases: int = 0
    twin: bool = True

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
            "raft": self.raft,
            "questions": str(self.questions) if self.questions else None,
            "success": self.success,
            "paraphrases": self.paraphrases,
            "twin": self.twin,
        }

    def reader(self, bench: Workbench) -> Caller:
        """Return who may read what is trained on."""
        return bench.caller(groups=(self.readers,) if self.readers else ())

    def ingredients(self, bench: Workbench, *, watch: Watch | None = None) -> Ingredients:
        """Read what is learned from and split it. With `paraphrases`, the teacher is asked.

        Raises: UserError if there is nothing to train on, or the teacher fails again and again; SettingsError without one.
        """
        read_at = bench.adapters.moment()
        avoid = [question for path in self.avoid for question in read_questions(path)]
        if self.raft:
            return self._passage_rows(bench, avoid, read_at, watch or Watch())
        examples = bench.examples.trainable(self.reader(bench))
        if not examples:
            told = (
                f"there are no examples that {self.readers} may read"
                if self.readers
                else "there are no examples"
            )
            raise UserError(f"{told} to train on", hint="add some: ragraft examples add FILE")
        return Ingredients(build_dataset(examples, seed=self.seed, avoid=avoid), read_at)

    def _passage_rows(
        self, bench: Workbench, avoid: Sequence[Question], read_at: datetime, watch: Watch
    ) -> Ingredients:
        """Return rows of passages with questions about them (RAFT), as the reader's own search finds them."""
        reader = self.reader(bench)
        questions, skipped = self._asked(bench, reader)
        learned, held_out = split_questions(questions, share=HELD_OUT, seed=self.seed)
        labels = {document.uri: document.label for document in bench.library.documents(reader)}
        made = partial(
            raft_rows,
            retrieve=lambda query, limit: bench.search.retrieve(query, limit=limit, caller=reader),
            label=labels.__getitem__,
            model=TokenCounter(self._base(bench).folder),
            budget=bench.budget,
            passages=bench.settings.answer.passages,
            seed=self.seed,
        )
        with self._paraphrase(bench, sum(one.answerable for one in learned), watch) as paraphrase:
            rows = made(learned, avoid=[*avoid, *held_out], paraphrase=paraphrase)
        held = made(held_out, avoid=avoid)
        built = raft_dataset(rows, held, success=self.success, seed=self.seed)
        left_out = dict(Counter(skipped) + Counter(built.left_out))
        return Ingredients(replace(built, left_out=left_out), read_at, (rows, held))

    @contextmanager
    def _paraphrase(self, bench: Workbench, answers: int, watch: Watch) -> Iterator[Paraphrase | None]:
        """Yield what has the teacher word answers in other ways, None if that is not wanted."""
        teacher = bench.settings.teacher
        if not self.paraphrases:
            yield None
            return
        if not teacher.url:
            raise SettingsError(
                "wording answers in other ways needs a teacher, and none is set",
                hint="set [teacher] url and name in ragraft.toml, or give --paraphrases 0",
            )
        watch.stage(f"asking {teacher.name} for other wordings")
        asked = paraphraser(open_helper(teacher, section="teacher"), count=self.paraphrases)
        with kept_paraphrases(
            asked,
            folder=training_folder(bench.adapters_folder, WORDINGS),
            teacher=f"{teacher.name} at {place_of(teacher)}, {self.paraphrases}",
            on_answer=lambda done: watch.answers(done, answers),
        ) as paraphrase:
            yield paraphrase

    def _asked(self, bench: Workbench, reader: Caller) -> tuple[list[Question], dict[str, int]]:
        """Return the questions of the file, or else of the stored examples, and what made none, by reason."""
        if self.questions is None:
            examples = bench.examples.trainable(reader)
            texts = cache(lambda uri: bench.library.revision(uri, caller=reader).text)
            questions, skipped = questions_from(examples, text_of=texts)
            if not questions:
                why = "; ".join(f"{reason} ({count})" for reason, count in skipped.items())
                raise UserError(
                    f"no example asks about a passage of your documents{': ' + why if why else ''}",
                    hint="name a file of questions with evidence: ragraft tune --raft --questions FILE",
                )
            return questions, skipped
        named, unknown = with_uris(read_questions(self.questions), bench.library.names(reader))
        if unknown and len(unknown) == len({one.document for each in named for one in each.evidence}):
            raise UserError(
                f"{self.questions}: none of the documents it names is in the library that {reader.name} may read, such as"
                f" {unknown[0]}",
                hint="`ragraft list` shows how documents are named; add those that are missing",
            )
        return named, {}

    @contextmanager
    def swept(
        self, bench: Workbench, name: str, given: Ingredients, *, watch: Watch | None = None
    ) -> Iterator[tuple[Recipe, Ingredients, tuple[Trial, ...]]]:
        """Try shares of refusals on the held-out questions, and go on with the best of them.

        What was tried is kept until the block ends. Raises: UserError unless the rows are RAFT's.
        """
        rows, held_out = given.rows or (None, None)
        if rows is None or held_out is None:
            raise UserError("only rows of passages have a share to sweep", hint="add --raft")
        if not held_out.answered or not held_out.refused:
            raise UserError(
                "too few questions are held out to sweep: none with an answer, or none without",
                hint="give questions about more documents, or leave --sweep out",
            )
        base, preset = self._base(bench), self._preset()
        start, tokens = start_for(base.name, preset), bench.budget.answer
        work = training_folder(bench.adapters_folder, SHARES_TRIED.format(name=name))
        all_rows = raft_dataset(rows, held_out, success=min(SHARES), seed=self.seed).dataset.fingerprint
        with (
            claimed(work, repr((all_rows, base.name, preset, adapter_print(start), tokens, self.seed))),
            forgotten_if_erased(work),
        ):
            trials = try_shares(
                rows,
                held_out,
                base=base,
                preset=preset,
                start=start,
                work=work,
                answer_tokens=tokens,
                seed=self.seed,
                threads=bench.settings.embedder.threads,
                watch=watch,
            )
            best = best_trial(trials)
            built = raft_dataset(rows, held_out, success=best.success, seed=self.seed)
            built = replace(built, left_out=given.built.left_out)
            yield replace(self, success=best.success), replace(given, built=built), trials

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
        base, preset = self._base(bench), self._preset()
        wordings = training_folder(bench.adapters_folder, WORDINGS)
        with (
            forgotten_if_erased(wordings),
            made(
                name,
                given.built,
                base=base,
                preset=preset,
                start=start_for(base.name, preset) if self.raft else None,
                work=training_folder(bench.adapters_folder, name),
                recipe=self.told(),
                style=read_style(rules) if rules else None,
                minutes=self.minutes,
                seed=self.seed,
                price_per_hour=settings.tune.price_per_hour,
                force=force,
                threads=settings.embedder.threads,
                twin=self.twin,
                watch=watch,
            ) as ready,
        ):
            yield ready

    def _preset(self) -> Preset:
        return preset_for(method=self.method, accelerator=accelerated())

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
        raft=bool(told.get("raft")),
        questions=Path(told["questions"]) if told.get("questions") else None,
        success=told.get("success") or SUCCESS,
        paraphrases=told.get("paraphrases") or 0,
        twin=told.get("twin", True),
    )
