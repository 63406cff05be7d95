"""Puts the figures of benchmarks/results into docs/benchmarks.md and draws docs/benchmarks/growth.svg and learning.svg.

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
from ragraft.charts import Line, draw_lines

__all__ = ["refresh"]

DOCS = Path(__file__).resolve().parents[1] / "docs"
PICTURES = {
    "scale": "![Milliseconds against passages in the library](benchmarks/growth.svg)\n\n",
    "raft": "![What a model does with passages, by how many rows it has learned](benchmarks/learning.svg)\n\n",
}
_PLACE = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refresh(page: Path = DOCS / "benchmarks.md", *, results: Path = RESULTS) -> list[str]:
    """Rewrite the page and the drawing; return the benchmarks that have no figures yet."""
    missing: list[str] = []

    def figures(place: re.Match[str]) -> str:
        source = results / f"{place[2]}.json"
        if not source.exists():
            missing.append(place[2])
            return f"{place[1]}Not measured yet: `python -m benchmarks.{place[2]}`\n{place[3]}"
        picture = PICTURES.get(place[2], "")
        return f"{place[1]}{picture}{_section(json.loads(source.read_text('utf-8')))}\n{place[3]}"

    page.write_text(_PLACE.sub(figures, page.read_text("utf-8")), encoding="utf-8")
    drawings = page.parent / "benchmarks"
    drawings.mkdir(exist_ok=True)
    if (scale := results / "scale.json").exists():
        by_size = json.loads(scale.read_text("utf-8"))["detail"]["by size"]
        (drawings / "growth.svg").write_text(draw(by_size), encoding="utf-8")
    if (raft := results / "raft.json").exists():
        draw_learning(drawings / "learning.svg", json.loads(raft.read_text("utf-8"))["detail"]["curve"])
    return missing


def draw_learning(path: Path, curve: dict[str, list[tuple[int, float]]]) -> None:
    """Draw the shares of some gauges by how many rows were learned; refusing what can be answered is dashed."""
    most = max((count for points in curve.values() for count, _ in points), default=0)
    draw_lines(
        path,
        [
            Line(
                name, [(count / max(1, most), value) for count, value in points], "answerable" in name.split()
            )
            for name, points in curve.items()
        ],
        title="What the model writes, before it is checked",
        across=f"rows learned, of {most}",
        up="questions of the handbook",
    )


def _section(record: dict[str, Any]) -> str:
    machine = record["machine"]
    flags = ", ".join(flag for flag in machine["flags"] if "bf16" in flag) or "no bf16"
    told = (
        f"`{record['command']}`, {record['date'][:10]}, {record['seconds'] / 60:.0f} minutes;"
        f" {machine['processor']}, {machine['cores']} cores ({flags}), {machine['memory_gb']:.0f} GB,"
        f" Python {machine['python']}; load before the run {machine['load_before']}."
    )
    verdict = record.get("detail", {}).get("verdict")
    return "\n\n".join([told, *([f"Verdict: {verdict}"] if verdict else []), table(record)])


if __name__ == "__main__":
    if missing := refresh():
        print(f"no figures yet of: {', '.join(missing)}", file=sys.stderr)
