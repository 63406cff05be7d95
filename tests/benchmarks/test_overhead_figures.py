"""The benchmark of overhead: what is timed is what it says, on two written documents. Times are not judged."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from benchmarks import overhead
from ragraft.types import Message

TEXTS = {
    "hotel.md": "A room in Kassel may cost at most EUR 135. Breakfast is included.",
    "desk.md": "The travel desk opens at eight. It is closed on Sunday.",
}
ASKED = ("What may a room in Kassel cost?", "When does the travel desk open?", "Is breakfast included?")


def test_every_question_is_timed_once_in_milliseconds() -> None:
    waited = threading.Event()
    found = overhead._times(lambda _: waited.wait(0.02), list(ASKED), 1)
    assert len(found) == len(ASKED)
    assert all(20 <= taken < 2000 for taken in found)


def test_as_many_callers_as_said_ask_at_once() -> None:
    together = threading.Barrier(3, timeout=20)
    overhead._times(lambda _: together.wait() and None, list(ASKED), 3)
    assert not together.broken


def test_another_question_on_the_same_passages_shares_all_of_the_prompt_before_it() -> None:
    prompt = (
        Message("system", "Answer."),
        Message("user", "[1] Hotels\n<<\nEUR 135\n>>\n\nQuestion: How much?"),
    )
    again = overhead._reworded(prompt)
    assert again[0] == prompt[0]
    assert again[1].content.startswith("[1] Hotels\n<<\nEUR 135\n>>\n\nQuestion: ")
    assert again[1].content != prompt[1].content


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two documents and three questions in place of the handbook."""
    (tmp_path / "documents").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "documents" / name).write_text(text, encoding="utf-8")
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps({"question": one, "answer": "135"}) + "\n" for one in ASKED))
    monkeypatch.setattr(overhead, "PLACES", {"handbook": (tmp_path / "documents", file)})


@pytest.mark.slow
@pytest.mark.usefixtures("written")
def test_a_small_run_times_the_answer_beside_the_search_and_the_first_token() -> None:
    found = {figure.name: figure for figure in overhead.measure(questions=3, prompts=1).figures}
    for callers in ("1 caller", "8 callers"):
        middle, high = (found[f"{callers}: everything but the model, p{share}"] for share in (50, 95))
        assert 0 < middle.value <= high.value
        assert (middle.reference, middle.unit) == ("search alone", "ms")
    assert {"1 caller: retrieve, p50", "first token, p50"} <= found.keys()
    assert all(figure.value >= 0 for figure in found.values())
