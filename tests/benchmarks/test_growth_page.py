from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.growth import DRAWN, draw
from benchmarks.page import refresh

BY_SIZE = {
    "1000": {"search, owner": 5.0, "HNSW alone": 0.2},
    "10000": {"search, owner": 8.0, "HNSW alone": 0.21},
}


def test_the_drawing_has_a_line_with_a_name_for_each_cost() -> None:
    drawing = ElementTree.fromstring(draw(BY_SIZE))
    words = " ".join(drawing.itertext())
    assert "search, owner: 8 ms" in words
    assert "pgvector's graph alone: 0.21 ms" in words
    assert "10,000" in words


def test_only_the_references_are_dashed() -> None:
    drawing = ElementTree.fromstring(draw(BY_SIZE))
    dashed = [e.attrib["stroke"] for e in drawing.iter() if "stroke-dasharray" in e.attrib]
    assert dashed == [
        cost.colour for name, cost in DRAWN.items() if name in BY_SIZE["1000"] and cost.reference
    ]


def test_a_time_is_written_with_two_digits() -> None:
    words = " ".join(ElementTree.fromstring(draw({"1000": {"search, owner": 123.4}})).itertext())
    assert "search, owner: 120 ms" in words


def test_names_of_lines_that_end_together_do_not_overlap() -> None:
    drawing = ElementTree.fromstring(draw({"1000": {"search, owner": 5.0, "search, 2 %": 5.0}}))
    labels = [float(e.attrib["y"]) for e in drawing.iter() if (e.text or "").startswith("search, ")]
    assert abs(labels[0] - labels[1]) >= 15


def test_the_page_is_filled_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("before\n<!-- figures: pdf -->\nold\n<!-- end -->\nafter\n")
    machine = {"processor": "P", "cores": 2, "flags": [], "memory_gb": 24, "python": "3", "load_before": 0}
    record = {
        "command": "python -m benchmarks.pdf",
        "date": "2026-01-01T00:00:00",
        "seconds": 60,
        "machine": machine,
        "figures": [{"name": "reading", "value": 100.0, "unit": "pages/s"}],
    }
    (tmp_path / "pdf.json").write_text(json.dumps(record))
    assert refresh(page, results=tmp_path) == []
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "100 pages/s" in text
    assert "old" not in text


def test_a_benchmark_without_figures_is_named(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("<!-- figures: scale -->\n<!-- end -->\n")
    assert refresh(page, results=tmp_path) == ["scale"]
    assert "python -m benchmarks.scale" in page.read_text()
