"""Puts the figures of benchmarks/results into docs/benchmarks.md and draws docs/benchmarks/growth.svg.

python -m benchmarks.page
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.figures import RESULTS, table
from benchmarks.growth import draw

__all__ = ["refresh"]

DOCS = Path(__file__).resolve().parents[1] / "docs"
PICTURE = "![Milliseconds against passages in the library](benchmarks/growth.svg)\n\n"
_PLACE = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refresh(page: Path = DOCS / "benchmarks.md", *, results: Path = RESULTS) -> list[str]:
    """Rewrite the page and the drawing; return the benchmarks that have no figures yet."""
    missing: list[str] = []

    def figures(place: re.Match[str]) -> str:
        source = results / f"{place[2]}.json"
        if not source.exists():
            missing.append(place[2])
            return f"{place[1]}Not measured yet: `python -m benchmarks.{place[2]}`\n{place[3]}"
        picture = PICTURE if place[2] == "scale" else ""
        return f"{place[1]}{picture}{_section(json.loads(source.read_text('utf-8')))}\n{place[3]}"

    page.write_text(_PLACE.sub(figures, page.read_text("utf-8")), encoding="utf-8")
    scale = results / "scale.json"
    if scale.exists():
        drawing = page.parent / "benchmarks" / "growth.svg"
        drawing.parent.mkdir(exist_ok=True)
        drawing.write_text(draw(json.loads(scale.read_text("utf-8"))["detail"]["by size"]), encoding="utf-8")
    return missing


def _section(record: dict[str, Any]) -> str:
    machine = record["machine"]
    flags = ", ".join(flag for flag in machine["flags"] if "bf16" in flag) or "no bf16"
    told = (
        f"`{record['command']}`, {record['date'][:10]}, {record['seconds'] / 60:.0f} minutes;"
        f" {machine['processor']}, {machine['cores']} cores ({flags}), {machine['memory_gb']:.0f} GB,"
        f" Python {machine['python']}; load before the run {machine['load_before']}."
    )
    return f"{told}\n\n{table(record)}"


if __name__ == "__main__":
    if missing := refresh():
        print(f"no figures yet of: {', '.join(missing)}", file=sys.stderr)
