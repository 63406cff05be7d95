"""Charts: sound SVG, the same bytes for the same figures, letters as letters."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from ragraft.charts import Line, draw_lines

SVG = "{http://www.w3.org/2000/svg}"


def drawn(path: Path, *, name: str = "calibrated", title: str = "Risk & coverage < 1") -> bytes:
    draw_lines(
        path,
        [
            Line(name, [(0.0, 0.0), (0.5, 0.25), (1.0, 0.5)]),
            Line("before", [(0.0, 1.0), (1.0, 0.5)], dashed=True),
        ],
        title=title,
        across="answered",
        up="wrong",
        marked=(0.5, 0.25, "here"),
    )
    return path.read_bytes()


def test_a_chart_is_well_formed_and_says_what_it_shows(tmp_path: Path) -> None:
    root = ElementTree.fromstring(drawn(tmp_path / "chart.svg"))
    words = {"".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")}
    assert root.tag == f"{SVG}svg"
    assert {"Risk & coverage < 1", "answered", "wrong", "calibrated", "before", "here", "100%"} <= words


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    assert drawn(tmp_path / "one.svg") == drawn(tmp_path / "other.svg")


def test_other_figures_give_another_picture(tmp_path: Path) -> None:
    draw_lines(tmp_path / "x.svg", [Line("a", [(0.0, 0.0)])], title="t", across="a", up="u")
    draw_lines(tmp_path / "y.svg", [Line("a", [(0.0, 0.0), (1.0, 1.0)])], title="t", across="a", up="u")
    assert (tmp_path / "x.svg").read_bytes() != (tmp_path / "y.svg").read_bytes()


def test_a_chart_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    root = ElementTree.fromstring(drawn(tmp_path / "chart.svg"))
    links = [value for node in root.iter() for key, value in node.attrib.items() if key.endswith("href")]
    assert all(link.startswith("#") for link in links)
    assert not list(root.iter(f"{SVG}script")) + list(root.iter(f"{SVG}image"))


def test_names_with_markup_stay_letters(tmp_path: Path) -> None:
    root = ElementTree.fromstring(drawn(tmp_path / "chart.svg", name="<b>Größe</b>"))
    assert "<b>Größe</b>" in {"".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")}
