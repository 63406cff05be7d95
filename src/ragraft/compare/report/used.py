"""What systems use, as it was measured: what costs are worked out from, and what is left of it without prices."""

from __future__ import annotations

from ragraft.compare.report.markup import Markup
from ragraft.compare.report.parts import cell, figure, system_name, systems_of, table
from ragraft.compare.report.words import duration
from ragraft.compare.results import Arm, Report

__all__ = ["USED", "used_by", "used_figure"]

USED = (
    "Prompt tokens",
    "From a cache",
    "Output tokens",
    "Embedded tokens",
    "Search",
    "Making it, once",
    "Times made",
)
"""The heads of what `used_by` returns."""

NOTE = (
    "Means over the answers that did not fail. Prompt tokens leave out those that the model's server had in its cache, as "
    "far as it tells; a model on this machine tells none. A model whose gates failed was made again, and each time is "
    "paid for."
)


def used_by(arm: Arm) -> tuple[str, ...]:
    """Return what one answer of a system takes, and what it takes to make it."""
    answer, use = arm.use.answer, arm.use
    tokens = (answer.prompt_tokens, answer.cached_tokens, answer.output_tokens, answer.embedding_tokens)
    hours = use.build.training_hours
    return (
        *(f"{count:,.0f}" for count in tokens),
        duration(answer.search_seconds) if answer.search_seconds else "–",
        duration(3600 * hours) if hours else "–",
        f"{use.tries:g}" if hours else "–",
    )


def used_figure(report: Report) -> Markup:
    """Return what each system uses, as a table."""
    rows = [
        (system_name(place, name), *(cell(one, class_="number") for one in used_by(arm)))
        for arm, (name, place) in zip(report.arms, systems_of(report).items(), strict=True)
    ]
    return figure(
        "What an answer takes",
        table(("System", *USED), rows, caption="Tokens and seconds of an answer, by system", class_="plain"),
        note=NOTE,
        wide=True,
    )
