"""The whole of `ragraft tune retriever`: pairs, training, an index beside the old one, a judgement, the switch."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ragraft.access.audit import AuditLog
from ragraft.access.labels import OWNER
from ragraft.database.pool import Database
from ragraft.documents.embedders import OpenTuned
from ragraft.documents.library import require_owner
from ragraft.errors import ModelError, NotFoundError, UserError
from ragraft.protocols import Embedder
from ragraft.retrieve.calibrator import Calibrator
from ragraft.retrieve.search import HybridRetriever
from ragraft.tune.retriever import Recipe, Step, TunedWeights, save_embedder, tune_embedder
from ragraft.tune.retriever_index import Space, Spaces
from ragraft.tune.retriever_judge import Gain, judge
from ragraft.tune.retriever_mining import Mined, Unplaced, mine_pairs
from ragraft.tune.retriever_pairs import Shares, fingerprint_of, split_pairs
from ragraft.types import Caller, Question

__all__ = ["Outcome", "RetrieverTuning", "Watcher"]

FEWEST_PAIRS, FEWEST_DOCUMENTS, FEWEST_JUDGES = 30, 8, 2
NO_GAIN = "training brought nothing on held-out questions, so the embedder stays as it is"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to. `ndcg` is None where nothing was judged, `estimate_seconds` where nothing was trained.

    `unplaced` are the questions that could not be used. `erased` counts documents that the embedder learned from and
    that have been erased since: it should be tuned again.
    """

    name: str
    switched: bool
    reason: str
    ndcg: Gain | None = None
    erased: int = 0
    pairs: int = 0
    unplaced: tuple[Unplaced, ...] = ()
    seconds: float = 0.0
    estimate_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Watcher:
    """Is told how a run goes: what is being done, how many of how many; and once, how many seconds it will take."""

    on_doing: Callable[[str, int, int], None] = lambda _what, _done, _of: None
    on_estimate: Callable[[float], None] = lambda _seconds: None

    def doing(self, what: str, *, of: int) -> Callable[[int], None]:
        """Return what to call with the number that are done."""
        return lambda done: self.on_doing(what, done, of)


class RetrieverTuning:
    """Tunes the retriever of one workspace.

    `base` is the folder of the untuned embedder, which `embedder` is open on; tuned ones get folders in `folder`,
    and `tuned` opens them by name.
    """

    def __init__(
        self,
        *,
        database: Database,
        audit: AuditLog,
        embedder: Embedder,
        base: Path,
        folder: Path,
        tuned: OpenTuned,
        recipe: Recipe | None = None,
        threads: int | None = None,
        collection: str = "default",
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._base = base
        self._folder = folder
        self._tuned = tuned
        self._recipe = recipe or Recipe()
        self._threads = threads
        self._name = collection
        self.spaces = Spaces(database=database, audit=audit, collection=collection)

    def tune(
        self,
        questions: Sequence[Question],
        *,
        caller: Caller,
        minutes: float,
        force: bool = False,
        watcher: Watcher | None = None,
    ) -> Outcome:
        """Tune on questions with evidence, and take the new index into service if it finds more.

        `minutes` bound the training; the index takes what it takes. A run that was stopped is gone on with by the
        same call: what was trained and embedded stays. `force` takes an index into service that finds no more, but
        never a faulty one.

        Raises: NotAllowedError unless the caller is the owner; UserError if too few questions can be used;
        WorkspaceError if another run is under way; ModelError; DatabaseError.
        """
        require_owner(caller, "tune the retriever")
        began, estimate, watcher = time.monotonic(), None, watcher or Watcher()
        with self.spaces.alone():
            mined = self._mine(questions, watcher)
            shares = _shares(mined)
            mark = fingerprint_of(mined.pairs, mined.texts, self._recipe, minutes, self._embedder.name)
            name = f"{self._embedder.name.split('@')[0]}-tuned-{mark}"
            outcome = Outcome(name, switched=False, reason=NO_GAIN)
            if not (self._folder / name).exists():
                trained, estimate = self._train(mined, shares, minutes, began, watcher)
                if trained.blend:
                    self._save(name, trained)
            if (self._folder / name).exists():
                outcome = self._introduce(name, mined, shares, caller, watcher, force=force)
        return replace(
            outcome,
            pairs=len(mined.pairs),
            unplaced=mined.unplaced,
            seconds=round(time.monotonic() - began, 1),
            estimate_seconds=estimate,
        )

    def back(self, *, caller: Caller, watcher: Watcher | None = None) -> Outcome:
        """Take the index into service again that was before this one, with what has been added meanwhile.

        Raises: NotAllowedError unless the caller is the owner; NotFoundError if there was none before.
        """
        require_owner(caller, "change the retriever")
        began, watcher = time.monotonic(), watcher or Watcher()
        with self.spaces.alone():
            known = {space.id: space for space in self.spaces.spaces()}
            current = next(space for space in known.values() if space.in_service)
            if current.previous is None:
                raise NotFoundError(
                    "there is no earlier index to go back to",
                    hint="the retriever was never tuned, or --forget-old deleted it",
                )
            space = known[current.previous]
            embedder = self._open(space.embedder)
            fault = self._complete(space, embedder, watcher)
            if not fault:
                self.spaces.switch(space, embedder, caller=caller, back=True)
        return Outcome(
            space.embedder,
            switched=not fault,
            reason=fault or f"{current.embedder} is out of service, and kept until --forget-old",
            erased=space.erased,
            seconds=round(time.monotonic() - began, 1),
        )

    def forget(self, *, caller: Caller) -> list[str]:
        """Delete every index that is out of service, and every tuned embedder but the one in service.

        Returns: the names of the embedders whose indexes these were.
        Raises: NotAllowedError unless the caller is the owner.
        """
        require_owner(caller, "delete an index")
        with self.spaces.alone():
            gone = self.spaces.forget(caller=caller)
            kept = self.spaces.collection().embedder.split("@")[0]
            for folder in self._folder.glob("*"):
                if folder.name != kept:
                    shutil.rmtree(folder)
        return gone

    def _mine(self, questions: Sequence[Question], watcher: Watcher) -> Mined:
        with closing(self._search(self._embedder)) as search:
            return mine_pairs(
                questions,
                database=self._database,
                retriever=search,
                embedder=self._embedder,
                caller=OWNER,
                collection=self._name,
                on_question=watcher.doing("searching", of=len(questions)),
            )

    def _train(
        self, mined: Mined, shares: Shares, minutes: float, began: float, watcher: Watcher
    ) -> tuple[TunedWeights, float | None]:
        """Return the weights, and what the whole run was thought to take after the first steps."""
        embedding = self._embedding_seconds(mined)
        estimates: list[float] = []

        def note(step: Step) -> None:
            if not estimates and step.step >= min(3, step.steps):
                estimates.append(round(time.monotonic() - began + step.seconds_left + embedding, 1))
                watcher.on_estimate(estimates[0])
            watcher.on_doing("training", step.step, step.steps)

        trained = tune_embedder(
            self._base,
            train=shares.train,
            choose=shares.choose,
            texts=mined.texts,
            vectors=mined.vectors,
            recipe=self._recipe,
            seconds=60 * minutes,
            threads=self._threads,
            on_step=note,
        )
        return trained, estimates[0] if estimates else None

    def _embedding_seconds(self, mined: Mined) -> float:
        """Return about how long embedding every passage will take, from a few."""
        some = list(mined.texts.values())[:64]
        began = time.monotonic()
        self._embedder.embed(some)
        return (time.monotonic() - began) / len(some) * self.spaces.size()

    def _save(self, name: str, trained: TunedWeights) -> None:
        card = {
            "base": self._embedder.name,
            "recipe": asdict(self._recipe),
            "steps": trained.steps,
            "looks": trained.looks,
            "blends": trained.blends,
            "blend": trained.blend,
        }
        save_embedder(self._folder / name, trained, base=self._base, card=card)

    def _introduce(
        self, name: str, mined: Mined, shares: Shares, caller: Caller, watcher: Watcher, *, force: bool
    ) -> Outcome:
        """Make the index of a tuned embedder, judge it, and take it into service if it is better."""
        embedder = self._open(name)
        space = self.spaces.open(embedder, sources=mined.sources)
        outcome = Outcome(
            embedder.name, switched=False, reason="it is in service already", erased=space.erased
        )
        if space.in_service:
            return outcome
        if fault := self._complete(space, embedder, watcher):
            return replace(outcome, reason=fault)
        Calibrator(
            database=self._database, embedder=embedder, collection=self._name, space=space.id
        ).calibrate()
        now, then = self._search(self._embedder), self._search(embedder, space=space.id)
        with closing(now), closing(then):
            on_pair = watcher.doing("judging", of=len(shares.judge))
            gain = judge(now, then, shares.judge, mined.places, on_pair=on_pair)
        if gain.enough or force:
            self.spaces.switch(space, embedder, caller=caller)
        said = "it finds more" if gain.enough else "it does not surely find more"
        reason = f"{said}: {gain}" + ("; forced" if force and not gain.enough else "")
        return replace(outcome, switched=gain.enough or force, reason=reason, ndcg=gain)

    def _complete(self, space: Space, embedder: Embedder, watcher: Watcher) -> str:
        """Embed what a space lacks, look it over, and return what forbids to use it, if anything does."""
        self.spaces.fill(space, embedder, on_batch=lambda done, of: watcher.on_doing("embedding", done, of))
        return self.spaces.check(space, embedder).fault

    def _search(self, embedder: Embedder, *, space: int | None = None) -> HybridRetriever:
        return HybridRetriever(
            database=self._database, embedder=embedder, tuned=self._tuned, collection=self._name, space=space
        )

    def _open(self, name: str) -> Embedder:
        """Return the embedder of that name or folder. Raises: ModelError if there is none."""
        found = self._embedder if name == self._embedder.name else self._tuned(name)
        if found is None:
            raise ModelError(f"there is no embedder {name}", hint=f"restore {self._folder} from a backup")
        return found


def _shares(mined: Mined) -> Shares:
    """Return the pairs apart. Raises: UserError if they are too few to learn from and to judge by."""
    documents = len({pair.document for pair in mined.pairs})
    hint = "give a file of questions with evidence, or make some: ragraft examples from-documents"
    if len(mined.pairs) < FEWEST_PAIRS or documents < FEWEST_DOCUMENTS:
        raise UserError(
            f"{len(mined.pairs)} questions about {documents} documents can be used; tuning needs"
            f" {FEWEST_PAIRS} about {FEWEST_DOCUMENTS}",
            hint=hint,
        )
    shares = split_pairs(mined.pairs)
    if len({pair.document for pair in shares.judge}) < FEWEST_JUDGES:
        raise UserError("most questions are about a few documents: none are left to judge by", hint=hint)
    return shares
