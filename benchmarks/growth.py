"""Draws how costs grow with the library, from the figures of `scale`, as docs/benchmarks/growth.svg."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["DRAWN", "draw"]


@dataclass(frozen=True, slots=True)
class Cost:
    """How one cost is drawn; a reference, which does only a part of the work, is dashed."""

    label: str
    colour: str
    reference: bool = False


DRAWN = {
    "search, owner": Cost("search, owner", "#1f5fbf"),
    "search, 2 %": Cost("search, a caller who sees 2 %", "#1f7a46"),
    "search, 80 terms": Cost("search, 80 terms", "#8a4fbf"),
    "replacing a document, committed": Cost("replacing a document, vectors ready", "#b34a10"),
    "numpy exact scan": Cost("numpy, exact scan", "#666666", reference=True),
    "HNSW alone": Cost("pgvector's graph alone", "#8a6508", reference=True),
}
WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 290, 40, 70
LINE = 18

Points = Sequence[tuple[int, float]]


def draw(by_size: Mapping[str, Mapping[str, float]]) -> str:
    """Return an SVG with both axes logarithmic: passages across, milliseconds (p50) up."""
    sizes = sorted(int(size) for size in by_size)
    lines = {
        name: [(size, by_size[str(size)][name]) for size in sizes if by_size[str(size)].get(name)]
        for name in DRAWN
    }
    lines = {name: points for name, points in lines.items() if points}
    values = [value for points in lines.values() for _, value in points]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    axes = _Axes(math.log10(sizes[0]), max(math.log10(sizes[-1]), math.log10(sizes[0]) + 1e-9), low, high)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        "<title>Milliseconds (p50) against passages in the library</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" fill="#222222">milliseconds (p50); dashed: a part of the work, for comparison</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 20}" text-anchor="middle" fill="#222222">'
        "passages in the library</text>",
        *axes.grid(sizes),
    ]
    for name, place in _places({name: axes.y(points[-1][1]) for name, points in lines.items()}).items():
        parts += axes.line(lines[name], DRAWN[name], place)
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Axes:
    """Where a size and a time are on the drawing."""

    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        self._left, self._right, self._low, self._high = left, right, low, high

    def x(self, size: float) -> float:
        """Return the place of a number of passages."""
        share = (math.log10(size) - self._left) / (self._right - self._left)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, milliseconds: float) -> float:
        """Return the place of a time."""
        share = (math.log10(milliseconds) - self._low) / (self._high - self._low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def grid(self, sizes: Sequence[int]) -> list[str]:
        """Return a line and a number for each power of ten and each size."""
        parts = []
        for power in range(int(self._low), int(self._high) + 1):
            y = self.y(10.0**power)
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
            parts.append(
                f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#444444">{10.0**power:g}</text>'
            )
        for size in sizes:
            x = self.x(size)
            parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eeeeee"/>')
            parts.append(
                f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle" fill="#444444">{size:,}</text>'
            )
        return parts

    def line(self, points: Points, cost: Cost, label_y: float) -> list[str]:
        """Return one cost: its line, a dot per size, and its name with the last value beside it."""
        places = [(self.x(size), self.y(value)) for size, value in points]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{cost.colour}"/>' for x, y in places]
        dashes = ' stroke-dasharray="5 4"' if cost.reference else ""
        label = f"{escape(cost.label)}: {_in_two_digits(points[-1][1])} ms"
        return [
            f'<path d="{path}" fill="none" stroke="{cost.colour}" stroke-width="2"{dashes}/>',
            *dots,
            f'<text x="{WIDTH - RIGHT + 10}" y="{label_y + 4:.1f}" fill="{cost.colour}">{label}</text>',
        ]


def _in_two_digits(value: float) -> str:
    """Return a time as it can be read off a drawing; the page beside it has the rest."""
    return f"{float(f'{value:.2g}'):g}"


def _places(wanted: Mapping[str, float]) -> dict[str, float]:
    """Return where each label goes: at the end of its line, or as far below the one above as it must."""
    found: dict[str, float] = {}
    last = -math.inf
    for name, y in sorted(wanted.items(), key=lambda item: item[1]):
        last = max(y, last + LINE)
        found[name] = last
    return found
