"""Marks and bars as SVG that fits any width: across, places are percent; letters and lines keep their size.

Nothing is drawn by a script and nothing has a style of its own: the page's style sheet colours it by class, so that
light, dark and print differ there alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragraft.compare.report.markup import Markup, el
from ragraft.compare.report.scales import Scale

__all__ = [
    "SHAPES",
    "Part",
    "interval_bar",
    "marker",
    "range_bar",
    "stacked_bar",
    "style_of",
    "x_at",
]

SHAPES = (
    "M-5,0A5,5 0 1 1 5,0A5,5 0 1 1 -5,0Z",
    "M-4.5,-4.5H4.5V4.5H-4.5Z",
    "M0,-6.2L6.2,0L0,6.2L-6.2,0Z",
    "M0,-6L5.5,4.5H-5.5Z",
    "M-2,-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z",
    "M0,6L5.5,-4.5H-5.5Z",
)
"""What tells systems apart besides their colours: circle, square, diamond, triangle, cross, triangle."""

COLOURS = 8
"""How many colours the style sheet has for systems; then they begin anew, with other shapes."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a whole: the class that colours it, what it is called and how many there are."""

    name: str
    said: str
    count: int


def style_of(system: int) -> str:
    """Return the class that colours a system."""
    return f"s{system % COLOURS}"


def marker(system: int, *, x: str = "50%", y: float = 9) -> Markup:
    """Return a system's mark at a place."""
    shape = SHAPES[system % len(SHAPES)]
    return el("svg", el("path", d=shape), x=x, y=y, class_=f"mark {style_of(system)}", overflow="visible")


def interval_bar(
    system: int,
    value: float,
    interval: tuple[float, float],
    scale: Scale,
    *,
    inner: tuple[float, float] | None = None,
    zone: tuple[float, float] | None = None,
    zero: float | None = None,
) -> Markup:
    """Return a value with its interval on a row of its own; the figures must stand beside it in words.

    `inner` is a narrower interval drawn thicker, `zone` a stretch of the axis shaded behind, `zero` a line.
    """
    parts = [_line(tick, scale, "grid") for tick in scale.ticks]
    if zone is not None:
        low, high = scale.at(zone[0]), scale.at(zone[1])
        parts.insert(0, el("rect", x=x_at(low), width=x_at(high - low), y=0, height=22, class_="zone"))
    if zero is not None:
        parts.append(_line(zero, scale, "zero"))
    colour = style_of(system)
    parts.append(_span(interval, scale, f"reach {colour}"))
    if inner is not None:
        parts.append(_span(inner, scale, f"inner {colour}"))
    parts.append(marker(system, x=x_at(scale.at(value)), y=11))
    return el("svg", *parts, class_="bar", aria_hidden="true")


def range_bar(
    system: int,
    surely: tuple[float, float | None] | None,
    possibly: tuple[float, float | None] | None,
    scale: Scale,
) -> Markup:
    """Return where something holds surely and where possibly; None at an end is the end of the axis."""
    parts = [_line(tick, scale, "grid") for tick in scale.ticks]
    for found, name in ((possibly, "possibly"), (surely, "surely")):
        if found is not None:
            low, high = scale.at(found[0]), 1.0 if found[1] is None else scale.at(found[1])
            parts.append(
                el(
                    "rect",
                    x=x_at(low),
                    width=x_at(high - low),
                    y=5,
                    height=12,
                    class_=f"{name} {style_of(system)}",
                )
            )
    return el("svg", *parts, class_="bar", aria_hidden="true")


def stacked_bar(parts: Sequence[Part]) -> Markup:
    """Return how a whole falls into parts; a part that is wide enough has its number on it."""
    whole = sum(part.count for part in parts) or 1
    drawn, reached = [], 0
    for part in parts:
        if not part.count:
            continue
        share = part.count / whole
        drawn.append(
            el(
                "rect",
                x=x_at(reached / whole),
                width=x_at(share),
                y=0,
                height=26,
                class_=f"part o-{part.name}",
            )
        )
        if share >= 0.07:
            middle = x_at((reached + part.count / 2) / whole)
            drawn.append(el("text", part.count, x=middle, y=18, class_=f"on o-{part.name}"))
        reached += part.count
    return el("svg", *drawn, class_="stack", aria_hidden="true")


def _line(value: float, scale: Scale, name: str) -> Markup:
    x = x_at(scale.at(value))
    return el("line", x1=x, x2=x, y1=0, y2=22, class_=name)


def _span(interval: tuple[float, float], scale: Scale, name: str) -> Markup:
    low, high = (x_at(scale.at(end)) for end in interval)
    return el("line", x1=low, x2=high, y1=11, y2=11, class_=name)


def x_at(share: float) -> str:
    """Return a place across, as SVG has it."""
    return f"{100 * share:.2f}%"
