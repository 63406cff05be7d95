"""Charts with two axes: systems as points between two measures, and as lines.

Each has a text that says what it shows, for those who cannot see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ragraft.compare.report.draw import marker, style_of, x_at
from ragraft.compare.report.markup import Markup, el, join
from ragraft.compare.report.scales import Scale

__all__ = ["Axis", "Curve", "Dot", "curves", "scatter"]

LINE = 15
"""The height of a line of letters, in pixels."""

NARROW = 260.0
"""How many pixels a chart is taken to be wide, where names must find their places."""

PLACES = (
    (11, -7, "start", 1), (-11, -7, "end", -1), (11, 15, "start", 1), (-11, 15, "end", -1),
    (11, 4, "start", 1), (-11, 4, "end", -1), (11, -20, "start", 1), (-11, 28, "end", -1),
)  # fmt: skip
"""Where a name may stand beside its point: pixels across and down, the end that is fixed, and on which side it is."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A system as a point with its ranges: `across` and `up` are (low, value, high)."""

    system: int
    name: str
    across: tuple[float, float, float]
    up: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A system as a line through points (x, y), and the band between two lines, if it has one."""

    system: int
    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale, its numbers in words, and what it measures."""

    scale: Scale
    said: Sequence[str]
    name: str


def scatter(dots: Sequence[Dot], *, across: Axis, up: Axis, label: str, height: int = 300) -> Markup:
    """Return systems as points between two measures, each with its name beside it and its ranges as bars."""
    placed = [(_share(across, dot.across), _share(up, dot.up)) for dot in dots]
    parts = []
    for dot, (wide, high) in zip(dots, placed, strict=True):
        colour, x, y = style_of(dot.system), x_at(wide[1]), _down(high[1], height)
        top, bottom = _down(high[2], height), _down(high[0], height)
        parts.append(el("line", x1=x, x2=x, y1=top, y2=bottom, class_=f"whisker {colour}"))
        parts.append(el("line", x1=x_at(wide[0]), x2=x_at(wide[2]), y1=y, y2=y, class_=f"whisker {colour}"))
    marks = [
        marker(dot.system, x=x_at(w[1]), y=_down(h[1], height))
        for dot, (w, h) in zip(dots, placed, strict=True)
    ]
    names = _names_beside(dots, across=across, up=up, height=height)
    return _frame(join(*parts, *marks, *names), across=across, up=up, label=label, height=height)


def curves(lines: Sequence[Curve], *, across: Axis, up: Axis, label: str, height: int = 280) -> Markup:
    """Return systems as lines with their names at the right ends."""
    drawn = []
    for line in lines:
        colour = style_of(line.system)
        if line.band:
            upper = [(x, most) for x, _, most in line.band]
            lower = [(x, least) for x, least, _ in reversed(line.band)]
            around = _polyline([*upper, *lower], across.scale, up.scale)
            drawn.append(el("polygon", points=around, class_=f"band {colour}"))
        path = _polyline(line.points, across.scale, up.scale)
        drawn.append(el("polyline", points=path, class_=f"line {colour}"))
    inner = Markup(
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="{height}">{join(*drawn)}</svg>'
    )
    ends = [(line.points[-1], line) for line in lines if line.points]
    wanted = [_down(up.scale.at(end[1]), height) for end, _ in ends]
    marks = [
        marker(line.system, x=x_at(across.scale.at(end[0])), y=y)
        for (end, line), y in zip(ends, wanted, strict=True)
    ]
    names = [
        join(
            el("line", x1=x_at(across.scale.at(end[0])), x2="100%", y1=y, y2=place, class_="leader"),
            el("text", line.name, x="100%", dx=10, y=place + 4, class_=f"name {style_of(line.system)}"),
        )
        for (end, line), y, place in zip(ends, wanted, _apart(wanted, height), strict=True)
    ]
    return _frame(join(inner, *names, *marks), across=across, up=up, label=label, height=height, named=True)


def _frame(
    content: Markup, *, across: Axis, up: Axis, label: str, height: int, named: bool = False
) -> Markup:
    """Return a chart with its axes around it. What it measures upwards stands above it, level."""
    lines = []
    for tick, said in zip(up.scale.ticks, up.said, strict=True):
        y = _down(up.scale.at(tick), height)
        lines.append(el("line", x1=0, x2="100%", y1=y, y2=y, class_="grid"))
        lines.append(el("text", said, x=-8, y=y + 4, class_="tick left"))
    for tick, said in zip(across.scale.ticks, across.said, strict=True):
        x = x_at(across.scale.at(tick))
        lines.append(el("line", x1=x, x2=x, y1=height, y2=height + 5, class_="axis"))
        lines.append(el("text", said, x=x, y=height + 19, class_="tick"))
    lines.append(el("line", x1=0, x2="100%", y1=height, y2=height, class_="axis"))
    svg = el(
        "svg", *lines, content, role="img", aria_label=label, height=height, width="100%", overflow="visible"
    )
    return join(
        el("p", up.name, class_="axis-name", aria_hidden="true"),
        el("div", svg, class_="plot named" if named else "plot"),
        el("p", across.name, class_="axis-name across", aria_hidden="true"),
    )


def _names_beside(dots: Sequence[Dot], *, across: Axis, up: Axis, height: int) -> list[Markup]:
    """Return names beside points, each where it covers least of the points, their bars and other names.

    A chart is as wide as the screen, which is not known here: so many pixels are taken, about the least.
    """
    taken = [box for dot in dots for box in _boxes(dot, across=across, up=up, height=height)]
    found = []
    for dot in dots:
        share, y, half = (
            across.scale.at(dot.across[1]),
            _down(up.scale.at(dot.up[1]), height),
            3.7 * len(dot.name),
        )
        best, least = PLACES[0], float("inf")
        for place in PLACES:
            box = (NARROW * share + place[0] + place[3] * half, y + place[1] - 4, half, LINE / 2)
            outside = max(0.0, box[0] + half - NARROW - 20) + max(0.0, half - box[0]) + max(0.0, 6 - box[1])
            covered = sum(_overlap(box, other) for other in taken) + 40 * (
                outside + max(0.0, box[1] + 8 - height)
            )
            if covered < least:
                best, least = place, covered
        dx, dy, anchor, side = best
        taken.append((NARROW * share + dx + side * half, y + dy - 4, half, LINE / 2))
        style = f"name {style_of(dot.system)}"
        found.append(el("text", dot.name, x=x_at(share), dx=dx, y=y + dy, text_anchor=anchor, class_=style))
    return found


def _boxes(dot: Dot, *, across: Axis, up: Axis, height: int) -> list[tuple[float, float, float, float]]:
    """Return what a point and its bars cover: the middle of each box and half of its size."""
    left, x, right = (NARROW * share for share in _share(across, dot.across))
    bottom, y, top = (_down(share, height) for share in _share(up, dot.up))
    return [
        (x, y, 7.0, 7.0),
        ((left + right) / 2, y, (right - left) / 2, 1.5),
        (x, (bottom + top) / 2, 1.5, (bottom - top) / 2),
    ]


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """Return the area that two boxes share; a box is its middle and half of its size, across and down."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0] - one[2], other[0] - other[2])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1] - one[3], other[1] - other[3])
    return max(0.0, wide) * max(0.0, high)


def _apart(wanted: Sequence[float], height: int) -> list[float]:
    """Return places down a chart near the wanted ones, none nearer to another than a line of letters."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    places = list(wanted)
    for before, after in pairwise(order):
        places[after] = max(places[after], places[before] + LINE)
    below = height
    for number in reversed(order):
        places[number] = min(places[number], float(below))
        below = int(places[number] - LINE)
    return places


def _share(axis: Axis, values: tuple[float, float, float]) -> tuple[float, float, float]:
    low, value, high = values
    return axis.scale.at(low), axis.scale.at(value), axis.scale.at(high)


def _polyline(points: Sequence[tuple[float, float]], across: Scale, up: Scale) -> str:
    return " ".join(f"{100 * across.at(x):.2f},{100 - 100 * up.at(y):.2f}" for x, y in points)


def _down(share: float, height: int) -> float:
    return round(height * (1 - share), 1)
