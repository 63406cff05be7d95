"""Every benchmark at a scale of seconds: it runs to its end and its figures make sense. Times are not judged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.figures import Report

from benchmarks import corpus, handbook, ingest, pdf, retrieval, scale
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.fake import FakeEmbedder
from ragraft.models.files import EMBEDDER_NAME, embedder_folder

pytestmark = [pytest.mark.data, pytest.mark.usefixtures("shared_data")]


@pytest.fixture(scope="module")
def embedder() -> Iterator[OpenVinoEmbedder]:
    yield OpenVinoEmbedder(embedder_folder(), name=EMBEDDER_NAME)


def values(report: Report) -> dict[str, float]:
    found = {figure.name: figure.value for figure in report.figures}
    # An exponent of growth may be negative, nothing else may.
    assert all(math.isfinite(value) and (value >= 0 or "growth" in name) for name, value in found.items()), (
        found
    )
    return found


def shares(found: dict[str, float], *words: str) -> list[float]:
    chosen = [value for name, value in found.items() if any(word in name for word in words)]
    assert chosen
    return chosen


def test_retrieval_scores_every_ranking_between_0_and_1() -> None:
    small = retrieval.Scale(sets=("xquad de",), queries=5, documents=12)
    found = values(retrieval.measure(small, embedder=FakeEmbedder()))
    assert len(found) == 5
    assert all(0 <= value <= 1 for value in found.values())
    assert found["xquad de nDCG@10"] > 0


def test_handbook_finds_pages_at_least_as_often_as_evidence() -> None:
    found = values(handbook.measure(embedder=FakeEmbedder(), questions=4))
    assert all(0 <= value <= 1 for value in found.values())
    assert found["test: right page in the first 5"] >= found["test: evidence in the first 5"] > 0


def test_ingest_measures_ours_alone_where_the_peer_is_absent(tmp_path: Path) -> None:
    small = ingest.Scale(rounds=1, files=2)
    report = ingest.measure(small, peer_python=tmp_path / "no-python", threads=1)
    assert values(report)["adding a folder"] > 0
    assert not any("LlamaIndex" in figure.reference for figure in report.figures)


def test_pdf_reads_pages_and_asks_for_those_that_hold_figures() -> None:
    report = pdf.measure(embedder=FakeEmbedder(), files=sorted(pdf.FOLDER.glob("*.pdf"))[-1:], rounds=1)
    found = values(report)
    assert found["reading PDFs"] > 0
    assert all(0 <= value <= 1 for value in shares(found, "right page"))
    assert report.detail["questions"]


@pytest.mark.slow
def test_scale_grows_one_library_and_finds_the_best(
    tmp_path: Path, embedder: OpenVinoEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "CACHE", tmp_path / "cache")
    small = scale.Scale(sizes=(250, 500), real=40, queries=4, writes=2, openings=1)
    report = scale.measure(small, embedder=embedder, root=tmp_path / "library")
    found = values(report)
    assert all(value <= 1 for value in shares(found, "recall"))
    assert found["500: recall of the dense leg, owner"] == 1.0
    assert found["500: recall of the dense leg, 2 %"] == 1.0
    assert {f"growth: {name}" for name in ("search, owner", "HNSW alone")} <= found.keys()
    assert report.detail["where the time goes"]["owner"]["slowest"]
