"""One run of `ragraft tune`, in its folder: what the base says, training, the twin, and what the gates make of it.

Everything that takes long is kept in the folder, so that a run that was stopped is taken up where it stood.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ragraft.errors import UserError
from ragraft.models.local import LocalChatModel
from ragraft.tune.base import Base
from ragraft.tune.checkpoints import put_in_place
from ragraft.tune.estimate import Estimate, TooShortError
from ragraft.tune.export import SERVED, write_served
from ragraft.tune.gates.context import retrieval_frame
from ragraft.tune.gates.exam import AnswerSheet, AskMany, exam_for
from ragraft.tune.gates.forgetting import general_text, general_text_gate
from ragraft.tune.gates.gate import Gate
from ragraft.tune.gates.memory import canaries, canary_examples, exposure_gate, extraction_gate
from ragraft.tune.gates.style import Style
from ragraft.tune.losses import Losses
from ragraft.tune.masking import open_chat_encoder
from ragraft.tune.presets import Preset
from ragraft.tune.replay import rehearse, replay_prompts
from ragraft.tune.train import Progress, train
from ragraft.tune.trained import Trained, read_trained
from ragraft.tune.wording import REFUSAL
from ragraft.types import Dataset, Example, Message

__all__ = ["Run", "RunState", "Watch", "refusals"]

CANARIES, OTHERS = 32, 63
"""Secrets that the twin learns, and how many each is told apart from: 6 bits can be seen, and 3 are the bar."""
SERVE_SECONDS = 10.0
"""Writing and opening the file that answers are given with."""
SHORTEST, LONGEST = 48, 400
"""Tokens that an answer to an exam question may have, whatever the examples' own have."""
REPLAY_TOKENS = 64
SECRET_TOKENS = 16
"""Tokens of a canary's answer."""
ADAPTER, TWIN = "adapter", "twin"


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told how a run goes: what is done now, how many questions of how many are answered, and so on.

    `estimate` is given the seconds of the whole run and what the training alone will take.
    """

    stage: Callable[[str], None] = lambda _: None
    answers: Callable[[int, int], None] = lambda _done, _all: None
    estimate: Callable[[float, Estimate], None] = lambda _seconds, _training: None
    progress: Callable[[Progress], None] = lambda _: None


@dataclass(slots=True)
class RunState:
    """What a run has to remember of the calls before it, in seconds.

    `spent` is of all calls, `estimate` what was said before training, `asked` what had gone by when the base was
    asked, `answering` what its answers took, and `per_token` what a token of its `tokens` of plain text took.
    """

    spent: float = 0.0
    estimate: float = 0.0
    asked: float = 0.0
    answering: float = 0.0
    per_token: float = 0.0
    tokens: int = 0


class Run:
    """One run, in its folder."""

    def __init__(
        self,
        dataset: Dataset,
        *,
        base: Base,
        preset: Preset,
        start: Path | None,
        work: Path,
        style: Style | None,
        minutes: float | None,
        seed: int,
        price_per_hour: float,
        threads: int | None,
        twin: bool,
        watch: Watch,
    ) -> None:
        self._dataset, self._base, self._preset, self._start = dataset, base, preset, start
        self._work = work
        self._style, self._minutes, self._seed, self._threads = style, minutes, seed, threads
        self._price, self._watch = price_per_hour, watch
        self._canaries = canaries(seed, CANARIES, others=OTHERS) if twin else ()
        self._state_file = work / "state.json"
        self.state = RunState()
        if self._state_file.exists():
            self.state = RunState(**json.loads(self._state_file.read_text(encoding="utf-8")))

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the time that the block takes to that of earlier calls, however it ends."""
        self._before, self._began = self.state.spent, time.monotonic()
        try:
            yield
        finally:
            self._note()

    def make(self) -> tuple[Trained, list[Gate]]:
        """Return the trained model, with the file that is served, and its gates."""
        base_said, base_losses, replay = self._ask_base()
        trained = self._trained(ADAPTER, self._dataset, replay)
        gates = self._judge(trained.path, base_said, base_losses)
        gates += self._judge_twin(replay)
        return trained, gates

    def _ask_base(self) -> tuple[AnswerSheet, list[list[float]], list[Example]]:
        """Have the base answer all that the gates will ask, and the prompts of the replay."""
        self._watch.stage("asking the base")
        began = time.monotonic()
        model = self._open(self._base.chat)
        self._exam = exam_for(self._dataset, frame=retrieval_frame(model), style=self._style, seed=self._seed)
        said = AnswerSheet(self._asking(model), kept=self._work / "base.json")
        try:
            self._fill(said)
        finally:  # what was answered by a call that was stopped counts as well
            if not self.state.tokens:
                self.state.answering += time.monotonic() - began
        replay = self._rehearsed(model)
        del model
        reader = Losses(self._base.folder, threads=self._threads)
        began = time.monotonic()
        losses = reader.of_texts(general_text())
        if not self.state.tokens:
            self.state.tokens = sum(map(len, losses))
            self.state.per_token = (time.monotonic() - began) / self.state.tokens
            self._note()
            self.state.asked = self.state.spent
            self._note()
        return said, losses, replay

    def _rehearsed(self, model: LocalChatModel) -> list[Example]:
        """Return the base's own answers to general prompts; the same ones when the run is taken up again."""
        kept, share = self._work / "replay.json", self._preset.replay
        if not kept.exists():
            rehearsal = rehearse(
                replay_prompts(retrieval_frame(model)),
                ask_many=partial(model.generate_many, max_tokens=REPLAY_TOKENS),
                count=round(len(self._dataset.train) * share / (1 - share)) * self._preset.epochs,
                seed=self._seed,
                whole=self._preset.method == "full",
            )
            _write(kept, [asdict(example) for example in rehearsal.examples])
        return [_read_example(row) for row in json.loads(kept.read_text(encoding="utf-8"))]

    def _trained(self, name: str, dataset: Dataset, replay: Sequence[Example]) -> Trained:
        """Train on a data set, or return what was trained by an earlier call."""
        out = self._work / name
        if not out.exists():
            self._watch.stage("training" if name == ADAPTER else "training the twin, which is never used")
            minutes = self._minutes_to_train() if self._minutes else None
            try:
                train(
                    dataset,
                    base=self._base.folder,
                    out=out,
                    work=self._work / f"{name}.checkpoints",
                    preset=self._preset,
                    start=self._start,
                    replay=replay,
                    later=refusals(dataset.train),
                    seed=self._seed,
                    minutes=minutes,
                    price_per_hour=self._price,
                    threads=self._threads,
                    on_estimate=self._on_estimate if name == ADAPTER else lambda _: None,
                    on_progress=self._watch.progress,
                )
            except TooShortError as error:
                raise self._too_short(error.minutes) from error
            self._note()
        trained = read_trained(out)
        if not (out / SERVED).exists():
            write_served(out, base=self._base.folder, name=self._base.name)
        return trained

    def _on_estimate(self, training: Estimate) -> None:
        self._note()
        # What the training has taken up to here is in its own estimate.
        self.state.estimate = self.state.asked + training.seconds * self._trainings() + self._after()
        self._note()
        self._watch.estimate(self.state.estimate, training)

    def _trainings(self) -> float:
        """Return how many times as long as the training the training with the twin's takes."""
        return 2 + CANARIES / len(self._dataset.train) if self._canaries else 1

    def _after(self) -> float:
        """Return the seconds that come after training: the exam, the twin's secrets, and writing two models."""
        secrets = len(self._canaries) * (OTHERS + 1) * SECRET_TOKENS
        models = 2 if self._canaries else 1
        return (
            self.state.answering
            + self.state.per_token * (secrets + self.state.tokens)
            + models * SERVE_SECONDS
        )

    def _minutes_to_train(self) -> float:
        left = (self._minutes or 0) * 60 - self.state.asked - self._after()
        if left <= 0:
            raise self._too_short(0.5)
        return left / self._trainings() / 60

    def _too_short(self, training: float) -> UserError:
        needed = (self.state.asked + self._after()) / 60 + training * self._trainings()
        return UserError(
            f"{self._minutes:g} minutes are too few: asking, training and the gates take {needed:.1f}",
            hint=f"allow --minutes {math.ceil(needed)} or more, or give shorter examples",
        )

    def _judge(
        self, path: Path, base_said: AnswerSheet, base_losses: Sequence[Sequence[float]]
    ) -> list[Gate]:
        """Ask the tuned model what the base was asked, and mark both."""
        self._watch.stage("asking the tuned model")
        said = AnswerSheet(self._asking(self._open(path / SERVED)), kept=self._work / "tuned.json")
        self._fill(said)
        tuned = Losses(self._base.folder, path, threads=self._threads)
        text = general_text_gate(base=lambda _: base_losses, tuned=tuned.of_texts, seed=self._seed)
        return [*self._exam.marked(base=base_said, tuned=said), text]

    def _judge_twin(self, replay: Sequence[Example]) -> list[Gate]:
        """Train the twin on secrets beside the examples, see what it gives away, and delete it."""
        if not self._canaries:
            nothing = AnswerSheet(lambda _: ())
            return [exposure_gate((), loss=lambda _: ()), extraction_gate((), ask=nothing)]
        kept = self._work / "twin.json"
        if not kept.exists():
            _write(kept, [asdict(gate) for gate in self._twin_gates(replay)])
        shutil.rmtree(self._work / TWIN, ignore_errors=True)
        return [_read_gate(row) for row in json.loads(kept.read_text(encoding="utf-8"))]

    def _twin_gates(self, replay: Sequence[Example]) -> list[Gate]:
        dataset = replace(self._dataset, train=(*self._dataset.train, *canary_examples(self._canaries)))
        path = self._trained(TWIN, dataset, replay).path
        self._watch.stage("asking the twin for its secrets")
        said = AnswerSheet(self._asking(self._open(path / SERVED)))
        said.fill([canary.messages()[:1] for canary in self._canaries])
        losses = Losses(self._base.folder, path, threads=self._threads)
        return [
            exposure_gate(self._canaries, loss=losses.of_turns, seed=self._seed),
            extraction_gate(self._canaries, ask=said),
        ]

    def _fill(self, sheet: AnswerSheet) -> None:
        questions = self._exam.questions()
        sheet.fill(questions, on_answers=lambda done: self._watch.answers(done, len(questions)))

    def _open(self, path: Path) -> LocalChatModel:
        return LocalChatModel(path, threads=self._threads, prefix_caching=True)

    def _asking(self, model: LocalChatModel) -> AskMany:
        """Return what asks a model; answers may be as long as those that the examples give."""
        encoder = open_chat_encoder(self._base.folder)
        expected = [example.messages[-1].content for example in self._dataset.held_out]
        longest = max((len(encoder.tokenizer.encode(text).ids) for text in expected), default=0)
        asked = max(model.count_tokens(messages) for messages in self._exam.questions())
        most = min(max(SHORTEST, longest), LONGEST, model.window - asked)
        return lambda conversations: [
            made.text for made in model.generate_many(conversations, max_tokens=most)
        ]

    def _note(self) -> None:
        self.state.spent = self._before + time.monotonic() - self._began
        _write(self._state_file, asdict(self.state))


def refusals(examples: Sequence[Example]) -> set[str]:
    """Return the ids of rows that learn to abstain.

    Abstaining is one sentence and learned within a few steps. A small model that meets it before it can read refuses
    whatever it is asked.
    """
    return {one.id for one in examples if one.kind == "raft" and one.messages[-1].content == REFUSAL}


def _read_example(row: dict[str, Any]) -> Example:
    messages = tuple(Message(**turn) for turn in row["messages"])
    return Example(row["id"], row["kind"], messages, row["group"])


def _read_gate(row: dict[str, Any]) -> Gate:
    low_high = row.pop("interval")
    return Gate(**row, interval=low_high and (low_high[0], low_high[1]))


def _write(path: Path, value: Any) -> None:
    draft = path.with_suffix(".unfinished")
    draft.write_text(json.dumps(value, ensure_ascii=False, default=list), encoding="utf-8")
    put_in_place(draft, path)
