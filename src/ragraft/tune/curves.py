"""The course of a training run: a picture of losses and rates, and a line of blocks for the terminal."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from statistics import fmean, stdev

from ragraft.charts import SIZE

__all__ = ["Course", "Look", "best_look", "draw_course", "is_stalled", "marked_look", "smoothed", "sparkline"]

BLOCKS = "▁▂▃▄▅▆▇█"
SMOOTHING = 0.9


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the held-out examples gave after so many steps.

    `loss` is nats per trained token. `quality` is the mean F1 over words of greedy answers against the expected ones,
    0 to 1, and `error` how far off it may be: few are answered at a look. None where too few are held out to tell.
    """

    step: int
    loss: float
    quality: float | None
    error: float = 0.0


@dataclass(frozen=True, slots=True)
class Course:
    """Loss and learning rate of every step, and the looks between them."""

    losses: tuple[float, ...]
    rates: tuple[float, ...]
    looks: tuple[Look, ...]


def marked_look(step: int, *, loss: float, marks: Sequence[float]) -> Look:
    """Return the look that found this loss, and these marks of single answers; without any, the loss has to do."""
    if not marks:
        return Look(step, loss, None)
    spread = stdev(marks) if len(marks) > 1 else 0.0
    # What one answer more or less would change is no difference, however alike the few were.
    error = max(spread / math.sqrt(len(marks)), 1 / len(marks))
    return Look(step, loss, fmean(marks), error)


def best_look(looks: Sequence[Look]) -> Look | None:
    """Return the look whose weights are kept, None before there is one.

    Each look is held against the one kept so far: better is who answers better by more than the standard error, or as
    well with a lower loss. So only the weights of the kept one are needed. The first look is at the model as it was and
    does not take part: whether tuning was worth it is for the gates to say. Source: the one-standard-error rule,
    Breiman et al. 1984, section 3.4.3.
    """
    return reduce(lambda kept, new: new if _better(new, kept) else kept, looks[1:]) if looks[1:] else None


def _better(new: Look, kept: Look) -> bool:
    if new.quality is not None and kept.quality is not None:
        gain = new.quality - kept.quality
        if abs(gain) > max(new.error, kept.error):
            return gain > 0
    return new.loss < kept.loss


def is_stalled(looks: Sequence[Look], *, patience: int) -> bool:
    """Return whether the last `patience` looks brought neither a better quality nor a lower loss than before."""
    if len(looks) < patience + 2:  # the model as it was, and one more
        return False
    before, last = looks[:-patience], looks[-patience:]
    quality, loss = max(map(_rounded, before)), min(look.loss for look in before)
    return all(_rounded(look) <= quality and look.loss >= loss for look in last)


def _rounded(look: Look) -> float:
    return round(look.quality or 0.0, 2)


def smoothed(values: Sequence[float]) -> list[float]:
    """Return the exponential moving average of values, corrected for its start.

    Source: Kingma & Ba 2015, section 3, on the correction.
    """
    average, result = 0.0, []
    for number, value in enumerate(values, 1):
        average = SMOOTHING * average + (1 - SMOOTHING) * value
        result.append(average / (1 - SMOOTHING**number))
    return result


def sparkline(values: Sequence[float], *, width: int = 40) -> str:
    """Return values as a line of blocks, at most `width` wide; each block is the mean of its stretch."""
    if not values:
        return ""
    cells = min(width, len(values))
    bounds = [len(values) * cell // cells for cell in range(cells + 1)]
    means = [sum(values[start:end]) / (end - start) for start, end in itertools.pairwise(bounds)]
    low, span = min(means), max(means) - min(means)
    return "".join(BLOCKS[round((mean - low) / span * (len(BLOCKS) - 1)) if span else 0] for mean in means)


def draw_course(path: Path, course: Course) -> None:
    """Write an SVG file: losses above, with those of the looks and their quality, learning rates below."""
    # Not pyplot: it keeps figures for a window that never opens, and looks for a display.
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    steps = range(1, len(course.losses) + 1)
    looked = [look.step for look in course.looks]
    # Fixed, so that equal courses give equal files; letters stay letters, not outlines.
    with rc_context({"svg.hashsalt": "ragraft", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot(steps, course.losses, color="tab:blue", alpha=0.25, linewidth=1)
        upper.plot(steps, smoothed(course.losses), color="tab:blue", linewidth=2, label="loss in training")
        upper.set(ylabel="nats per token")
        lines = [*upper.get_lines()[1:]]
        if looked:
            marks = [look.quality for look in course.looks if look.quality is not None]
            losses = [look.loss for look in course.looks]
            lines += upper.plot(looked, losses, "o-", color="tab:orange", label="loss held out")
            if marks:
                quality = upper.twinx()
                quality.set(ylabel="F1", ylim=(0, 1))
                lines += quality.plot(looked, marks, "s--", color="tab:green", label="F1 held out")
        # Above the axes: inside, some course runs through it.
        names = [str(line.get_label()) for line in lines]
        figure.legend(lines, names, loc="outside upper center", ncols=len(lines), frameon=False)
        lower.plot(steps, course.rates, color="tab:gray", linewidth=2)
        lower.set(xlabel="step", ylabel="learning rate")
        for axes in (upper, lower):
            axes.grid(alpha=0.3)
        figure.savefig(path, format="svg", metadata={"Date": None})
