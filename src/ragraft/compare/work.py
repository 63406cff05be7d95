"""What answers took and how often a model had to be made: the amounts that costs are worked out from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

from ragraft.compare.cost import Work
from ragraft.compare.results import Said
from ragraft.types import Adapter, Question

__all__ = ["answer_work", "tries_of", "with_embedding"]

LOOKING_UP = "retrieve"
"""The step in which a system finds what it answers from."""

VARIED = ("seed", "minutes", "success", "paraphrases", "twin")
"""What may differ between two tries of one recipe: whoever tries again draws anew, takes more time, or tunes the rows."""

CountTokens = Callable[[Sequence[str]], Sequence[int]]


def with_embedding(
    answers: Mapping[str, Sequence[Said]], questions: Sequence[Question], *, count: CountTokens
) -> dict[str, tuple[Said, ...]]:
    """Return the answers with the tokens that were embedded to look their questions up; `count` is the embedder's.

    A system that is given the same for all questions, such as the long-context control, searches nothing.
    """
    tokens = dict(zip([one.id for one in questions], count([one.text for one in questions]), strict=True))
    return {
        system: tuple(
            replace(
                one, embedding_tokens=tokens[one.question] if searches and LOOKING_UP in one.seconds else 0
            )
            for one in said
        )
        for system, said in answers.items()
        for searches in [not _is_given_the_same(said)]
    }


def answer_work(said: Sequence[Said]) -> Work:
    """Return what one answer takes, as a mean over those that did not fail."""
    made = [one for one in said if not one.failure]

    def mean(amount: Callable[[Said], float]) -> float:
        return sum(map(amount, made)) / max(1, len(made))

    return Work(
        search_seconds=mean(lambda one: one.seconds.get(LOOKING_UP, 0.0)),
        prompt_tokens=mean(lambda one: one.prompt_tokens - one.cached_tokens),
        cached_tokens=mean(lambda one: one.cached_tokens),
        output_tokens=mean(lambda one: one.completion_tokens),
        embedding_tokens=mean(lambda one: one.embedding_tokens),
    )


def tries_of(adapter: Adapter, known: Sequence[Adapter]) -> int:
    """Return how many times a model was made until this one: once, and for each that failed its gates just before it.

    Looked at are those that are `known`: of the same base, method and recipe, whatever the seed and the minutes. One
    that was removed or replaced since left nothing to be counted by.
    """
    before = [
        one
        for one in known
        if one.made_at < adapter.made_at and _way_of_making(one) == _way_of_making(adapter)
    ]
    latest_first = sorted(before, key=lambda one: one.made_at, reverse=True)
    return 1 + sum(1 for _ in takewhile(_was_in_vain, latest_first))


def _is_given_the_same(said: Sequence[Said]) -> bool:
    given = [one.given for one in said if one.given]
    return len(given) > 1 and len(set(given)) == 1


def _way_of_making(adapter: Adapter) -> tuple[object, ...]:
    recipe = adapter.card.get("recipe") or {}
    told = {name: value for name, value in recipe.items() if name not in VARIED}
    return adapter.base_model, adapter.method, told


def _was_in_vain(adapter: Adapter) -> bool:
    """Return whether a model failed its gates; one that was let into use all the same was not made in vain."""
    gates = adapter.gates.values()
    return (
        bool(gates)
        and not adapter.forced
        and not all(isinstance(gate, Mapping) and gate.get("passed") for gate in gates)
    )
