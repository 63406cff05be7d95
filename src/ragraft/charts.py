"""Pictures of what was measured, as SVG files that need nothing else to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Line", "draw_lines"]

SIZE = (7.2, 4.4)
"""Inches, at 72 points."""


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through points (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def draw_lines(
    path: Path,
    lines: Sequence[Line],
    *,
    title: str,
    across: str,
    up: str,
    marked: tuple[float, float, str] | None = None,
) -> None:
    """Write a chart of lines over shares from 0 to 1 on both axes; `marked` is one point with its name."""
    # Not pyplot: it keeps figures for a window that never opens, and looks for a display.
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    # Fixed, so that equal figures give equal files; letters stay letters, not outlines.
    with rc_context({"svg.hashsalt": "ragraft", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        for line in lines:
            style = "--" if line.dashed else "-"
            # Before the axes and not cut off at them, or a line at zero is not seen.
            axes.plot(
                *zip(*line.points, strict=True), style, label=line.name, linewidth=2, zorder=3, clip_on=False
            )
        if marked is not None:
            axes.plot(*marked[:2], "o", color="black", label=marked[2])
        axes.set(title=title, xlabel=across, ylabel=up, xlim=(0, 1), ylim=(0, 1))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None})
