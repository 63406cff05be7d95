from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.figures import (
    Figure,
    Report,
    at_least,
    at_least_times,
    at_most,
    percentile,
    run,
    table,
)


def made_by(report: Report, out: Path, *arguments: str) -> dict[str, object]:
    run("example", lambda _: report, about="an example", arguments=["--out", str(out), *arguments])
    record: dict[str, object] = json.loads(out.read_text())
    return record


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("share", 0.94, target=at_least(0.93)), True),
        (Figure("share", 0.92, target=at_least(0.93)), False),
        (Figure("time", 9.0, target=at_most(10)), True),
        (Figure("time", 11.0, target=at_most(10)), False),
        (Figure("rate", 30.0, target=at_least_times(3), reference="peer", reference_value=10.0), True),
        (Figure("rate", 29.0, target=at_least_times(3), reference="peer", reference_value=10.0), False),
        (Figure("rate", 29.0, target=at_least_times(3)), False),
        (Figure("rate", 29.0), None),
    ],
)
def test_a_figure_is_held_against_its_target(figure: Figure, met: bool | None) -> None:
    assert figure.met is met


def test_the_record_names_machine_command_and_verdicts(tmp_path: Path) -> None:
    report = Report([Figure("share", 0.5, target=at_least(0.4))])
    record = made_by(report, tmp_path / "out.json")
    assert record["command"] == f"python -m benchmarks.example --out {tmp_path / 'out.json'}"
    assert record["machine"]["python"]  # type: ignore[index]
    assert record["figures"][0]["met"] is True  # type: ignore[index]


def test_a_quick_run_judges_nothing(tmp_path: Path) -> None:
    report = Report([Figure("share", 0.5, target=at_least(0.4))])
    record = made_by(report, tmp_path / "out.json", "--quick")
    assert record["figures"][0]["met"] is None  # type: ignore[index]
    assert "not judged" in table(record)


def test_the_table_shows_reference_ratio_target_and_verdict(tmp_path: Path) -> None:
    figure = Figure("rate", 30.0, "x/s", target=at_least_times(4), reference="peer", reference_value=10.0)
    lines = table(made_by(Report([figure]), tmp_path / "out.json")).splitlines()
    assert [cell.strip() for cell in lines[-1].split("|")[1:-1]] == [
        "rate",
        "30 x/s",
        "peer 10",
        "3.00",
        ">= 4 x",
        "missed",
    ]


def test_a_percentile_lies_between_its_neighbours() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert percentile([5.0], 0.95) == 5.0
