"""The benchmark of RAFT: reading, inventing and refusing are told apart, and nothing is asked or learned twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from benchmarks.page import draw_learning
from benchmarks.raft_drafts import KeptModel
from benchmarks.raft_marks import GAUGES, Marked, invented_numbers, mark, paired, share

from benchmarks import raft, raft_curve
from ragraft.compare.evidence import evidence_places
from ragraft.models.fake import FakeChatModel
from ragraft.models.files import chat_model_file
from ragraft.systems import Workbench
from ragraft.tune.export import SERVED
from ragraft.tune.wording import REFUSAL
from ragraft.types import (
    AccessLabel,
    Answer,
    Chunk,
    Citation,
    Completion,
    Dataset,
    Evidence,
    Example,
    Message,
    Passage,
    Prompt,
    Question,
    SystemCard,
    Usage,
)
from small_world import add_files

TEXTS = {
    "hotel.md": "Prices of 2026. A room in Kassel may cost at most EUR 135. Breakfast is included.",
    "desk.md": "The travel desk opens at eight. It is closed on Sunday.",
}
HOTEL = Question(
    "q1", "What may a room cost?", "EUR 135", ("135",), (Evidence("hotel.md", "at most EUR 135"),), "number"
)
WIFI = Question("q2", "What is the Wi-Fi password?", "", (), (), "unanswerable")
GAUGE = {gauge.name: gauge for gauge in GAUGES}


def passage(uri: str) -> Passage:
    text = TEXTS[uri]
    return Passage(Chunk(0, len(text), text), uri, uri, 1, 1.0, datetime(2026, 1, 1, tzinfo=UTC))


PASSAGES = (passage("desk.md"), passage("hotel.md"))
REFUSED = Answer(
    "The documents do not say.", True, "", (), (), (), Prompt((), (), (), 0, 0), Usage(0, 0),
    SystemCard("x", "rag", "x", ""), {},
)  # fmt: skip


def marked(question: Question, draft: str, answer: Answer = REFUSED) -> Marked:
    places = evidence_places([question], text_of=TEXTS.get)[question.id]
    return mark(question, draft, passages=PASSAGES, answer=answer, places=places)


@pytest.mark.parametrize(
    ("draft", "right", "cited", "refused"),
    [
        ("It is EUR 135. [2]", True, True, False),
        ("It is EUR 135. [1]", True, False, False),
        ("It is EUR 140. [2]", False, True, False),
        ("It is EUR 135. [7]", True, False, False),
        (REFUSAL, False, False, True),
        ("“The room service is not mentioned anywhere.” [1] It is EUR 135. [2]", True, True, False),
    ],
)
def test_a_draft_is_marked_for_what_it_says_and_for_the_passage_it_names(
    draft: str, right: bool, cited: bool, refused: bool
) -> None:
    found = marked(HOTEL, draft)
    assert (found.right, found.cited, found.refused) == (right, cited, refused)


def test_what_is_not_answered_cannot_be_right_and_may_be_refused() -> None:
    told, refused = marked(WIFI, "It is swordfish. [1]"), marked(WIFI, REFUSAL)
    assert (told.right, told.cited, told.refused) == (False, False, False)
    assert refused.refused


@pytest.mark.parametrize(
    ("text", "count", "invented"),
    [
        ("It costs EUR 135. [2]", 1, []),
        ("It costs 135 euros.", 1, []),
        ("It costs EUR 140. [2]", 1, ["EUR 140"]),
        ("It costs EUR 135 per night for 3 nights.", 2, []),
        ("It costs EUR 135 for 12 nights.", 2, ["12 nights"]),
        ("Passage 2 says so, and passages 1 and 2 agree.", 0, []),
        ("1. Breakfast.\n2. A room.", 0, []),
        ("The desk opens at eight.", 1, []),
    ],
)
def test_numbers_that_nothing_given_holds_are_invented(text: str, count: int, invented: list[str]) -> None:
    found = invented_numbers(text, passages=PASSAGES, question="What do 3 nights cost?")
    assert found == (count, invented)


def test_a_citation_that_touches_evidence_is_right_and_none_of_an_unanswerable_question_is() -> None:
    shown = Answer(
        "It is EUR 135. [1]", False, "", (_cited("A room in Kassel may cost at most EUR 135."),), (), (),
        REFUSED.prompt, REFUSED.usage, REFUSED.system, {},
    )  # fmt: skip
    found = [marked(question, "", shown) for question in (HOTEL, WIFI)]
    assert [(one.citations, one.citations_right) for one in found] == [(1, 1), (1, 0)]
    assert found[0].shown_right


def _cited(quote: str) -> Citation:
    start = TEXTS["hotel.md"].index(quote)
    return Citation(1, quote, passage("hotel.md"), start, start + len(quote), quote)


def many(count: int, **marks: Any) -> list[Marked]:
    """Return marks of questions of a document each, all alike."""
    return [
        replace(
            marked(HOTEL, "It is EUR 135. [2]"),
            question=replace(HOTEL, id=f"q{number}", evidence=(Evidence(f"{number}.md", "x"),)),
            **marks,
        )
        for number in range(count)
    ]


def test_a_share_weighs_numbers_and_not_answers() -> None:
    found = share(
        GAUGE["raw: invented numbers"],
        [*many(6, numbers=1, invented=1), *many(6, numbers=3, invented=0)],
    )
    assert found is not None
    assert (found.value, found.of) == (0.25, 24)


def test_nothing_to_count_gives_no_share() -> None:
    assert share(GAUGE["raw: unanswerable refused"], many(6)) is None


def test_few_documents_give_no_interval() -> None:
    found = share(GAUGE["raw: right"], many(3))
    assert found is not None
    assert (found.value, found.interval) == (1.0, None)
    assert str(found) == "of 3; too few for an interval"


def test_pairs_are_counted_question_by_question() -> None:
    one = [*many(8, right=True), *many(2, right=False)]
    other = [*many(1, right=True), *many(8, right=False), *many(1, right=True)]
    found = paired(GAUGE["raw: right"], one, other)
    assert found is not None
    assert (found.won, found.lost, found.difference.value) == (7, 1, pytest.approx(0.6))
    assert found.p == pytest.approx(0.0703125)  # 2 * (1 + 8) / 2^8


def test_targets_are_raft_s_alone_and_stand_beside_rag() -> None:
    found = {one.name: one for one in raft.figures_of({"rag": many(6, cited=False), "raft": many(6)})}
    cited = found["raw: right passage cited: raft"]
    assert (cited.met, cited.reference, cited.reference_value) == (True, "rag", 0.0)
    assert found["raw: right passage cited: rag"].target is None


def test_raft_that_is_right_less_often_is_never_surely_better() -> None:
    found = {one.name: one for one in raft.figures_of({"rag": many(9), "raft": many(9, right=False)})}
    assert found["raw: right: raft less rag"].value == -1.0
    assert (found["raw: right more often than rag, p"].value, found["raw: right more often than rag, p"].met) == (
        1.0,
        False,
    )  # fmt: skip


class NotingWriter:
    """Says the last word of each prompt and notes how many it was given at a time; fits WritesTogether."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def generate_many(
        self, conversations: Sequence[Sequence[Message]], *, max_tokens: int
    ) -> list[Completion]:
        self.given.append(len(conversations))
        return [
            Completion(f"{turns[-1].content.split()[-1]} {max_tokens}", Usage(5, 2), "stop")
            for turns in conversations
        ]


def kept_model(file: Path, writer: NotingWriter) -> KeptModel:
    return KeptModel(chat_model_file(), name="rag", kept=file, open_model=lambda _: writer)


def prompts(*words: str) -> list[list[Message]]:
    return [[Message("user", f"Say {word}")] for word in words]


def test_what_was_answered_by_an_earlier_run_is_not_asked_again(tmp_path: Path) -> None:
    first, second = NotingWriter(), NotingWriter()
    kept_model(tmp_path / "kept.jsonl", first).generate_many(prompts("a", "b"), max_tokens=9)
    made = kept_model(tmp_path / "kept.jsonl", second).generate_many(prompts("b", "c", "a"), max_tokens=9)
    assert [one.text for one in made] == ["b 9", "c 9", "a 9"]
    assert (first.given, second.given) == ([2], [1])


def test_answers_of_a_block_are_kept_though_the_next_one_fails(tmp_path: Path) -> None:
    class Failing(NotingWriter):
        def generate_many(self, *args: Any, **told: Any) -> list[Completion]:
            if self.given:
                raise KeyboardInterrupt
            return super().generate_many(*args, **told)

    words = [f"w{number}" for number in range(20)]
    with pytest.raises(KeyboardInterrupt):
        kept_model(tmp_path / "kept.jsonl", Failing()).generate_many(prompts(*words), max_tokens=9)
    rest = NotingWriter()
    kept_model(tmp_path / "kept.jsonl", rest).generate_many(prompts(*words), max_tokens=9)
    assert rest.given == [4]


def test_a_line_that_a_killed_run_left_half_is_asked_again(tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    kept_model(file, NotingWriter()).generate_many(prompts("a"), max_tokens=9)
    file.write_text(file.read_text()[:-20])
    again = NotingWriter()
    assert kept_model(file, again).generate(prompts("a")[0], max_tokens=9).text == "a 9"
    assert again.given == [1]


def test_another_length_is_another_answer(tmp_path: Path) -> None:
    writer = NotingWriter()
    model = kept_model(tmp_path / "kept.jsonl", writer)
    assert [model.generate(prompts("a")[0], max_tokens=most).text for most in (9, 8)] == ["a 9", "a 8"]


def row(number: int, *, said: str = "Yes. [1]") -> Example:
    return Example(f"r{number}", "raft", (Message("user", f"{number}?"), Message("assistant", said)), "g")


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Workbench) -> Path:
    """Ten rows to learn, two of them refusals, and one held out, as the workspace makes them."""
    train = tuple(row(number, said="Yes. [1]" if number < 8 else REFUSAL) for number in range(10))

    class Given:
        def ingredients(self, _bench: Workbench) -> Any:
            return _Built(Dataset(train, (row(99),), "f00d", AccessLabel()))

    monkeypatch.setattr(raft_curve, "recipe_of", lambda *_, **__: Given())
    monkeypatch.setattr(raft_curve, "start_adapter", lambda: None)
    return raft_curve.keep_rows(bench, tmp_path / "cache", taught=None)


class _Built:
    def __init__(self, dataset: Dataset) -> None:
        self.built = self
        self.dataset = dataset


def test_fewer_rows_are_a_part_of_more(rows: Path) -> None:
    few, more, whole = (raft_curve.read_rows(rows, count) for count in (3, 6, None))
    assert [one.id for one in few.train] == [one.id for one in more.train][:3]
    assert {one.id for one in whole.train} == {f"r{number}" for number in range(10)}
    assert [one.id for one in few.held_out] == ["r99"]


def test_the_curve_ends_with_all_rows(rows: Path) -> None:
    assert raft_curve.sizes(rows, (8, 4, 16, 4)) == [4, 8, 10]


def test_a_size_is_learned_once_and_refusals_come_later(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def train(dataset: Dataset, *, out: Path, **told: Any) -> None:
        out.mkdir()
        seen.append({"rows": len(dataset.train), **told})

    def run(command: list[str], **_: Any) -> Any:
        raft_curve.learn(Path(command[3]), int(command[4]), Path(command[5]))
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr("ragraft.tune.train.train", train)
    monkeypatch.setattr("ragraft.tune.train.accelerated", lambda: False)
    monkeypatch.setattr(raft_curve, "base_folder", lambda: rows.parent)
    monkeypatch.setattr(raft_curve, "write_served", lambda out, **_: (out / SERVED).write_bytes(b"weights"))
    monkeypatch.setattr(raft_curve.subprocess, "run", run)
    files = [raft_curve.learned(rows, 10) for _ in range(2)]
    assert files[0].read_bytes() == b"weights"
    assert [one["rows"] for one in seen] == [10]
    assert seen[0]["later"] == {"r8", "r9"}
    assert seen[0]["preset"].replay == 0.0


TOWNS = ("Ardane", "Belmor", "Corvin", "Dunwick", "Estry", "Falmer")


@pytest.fixture
def small_run(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: Path
) -> Callable[..., Any]:
    """Six documents, a question about each and one that none answers; models that quote or talk."""
    texts = {
        f"{town}.md": f"The museum of {town} opens at {at + 6} o'clock." for at, town in enumerate(TOWNS)
    }
    add_files(bench, tmp_path / "documents", texts, "everyone")
    asked = [
        {
            "question": f"When does the museum of {town} open?",
            "answer": f"{at + 6} o'clock",
            "evidence": [{"document": f"{town}.md", "quote": texts[f"{town}.md"]}],
        }
        for at, town in enumerate(TOWNS)
    ]
    asked.append({"question": "Who built the lighthouse of Zarn?", "answer": ""})
    file = tmp_path / "test.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in asked), encoding="utf-8")

    @contextmanager
    def here(_root: Path) -> Iterator[Workbench]:
        yield bench

    def learned(_rows: Path, count: int) -> Path:
        assert count < 10, "raft itself has learned all rows"
        return tmp_path / f"{count}.gguf"

    def model(path: Path, *, name: str, kept: Path) -> FakeChatModel:
        return FakeChatModel(["It opens at 99 o'clock."] if name == "rag" else (), name=f"{name} {path.name}")

    monkeypatch.setattr(raft, "make_models", lambda *_, **__: None)
    monkeypatch.setattr(raft, "handbook_workspace", here)
    monkeypatch.setattr("benchmarks.comparing_workspace.TEST", file)
    monkeypatch.setattr(raft, "_arms", lambda *_: [("rag", tmp_path / "base"), ("raft", tmp_path / "reader")])
    monkeypatch.setattr(raft, "keep_rows", lambda *_, **__: rows)
    monkeypatch.setattr(raft, "learned", learned)
    monkeypatch.setattr(raft, "KeptModel", model)
    return lambda **told: raft.measure(root=tmp_path, cache=tmp_path / "cache", **told)


def test_a_small_run_tells_a_model_that_reads_from_one_that_makes_things_up(
    small_run: Callable[..., Any],
) -> None:
    found = {figure.name: figure.value for figure in small_run(counts=()).figures}
    assert (found["raw: right: rag"], found["raw: right: raft"]) == (0.0, 1.0)
    assert (found["raw: invented numbers: rag"], found["raw: invented numbers: raft"]) == (1.0, 0.0)
    assert (found["raw: right passage cited: rag"], found["raw: right passage cited: raft"]) == (0.0, 1.0)
    assert found["raw: right: raft less rag"] == 1.0
    assert found["raw: right more often than rag, p"] == pytest.approx(2 / 2**6)


def test_the_curve_begins_with_what_was_learned_from_nothing_and_ends_with_raft_itself(
    small_run: Callable[..., Any],
) -> None:
    report = small_run(counts=(4,), limit=3)
    assert [f.name for f in report.figures if "rows learned" in f.name] == [
        f"raw: right, {count} rows learned" for count in (0, 4, 10)
    ]
    assert report.settings["questions"] == 3
    assert report.detail["curve"]["right"] == [(0, 0.0), (4, 1.0), (10, 1.0)]


def test_the_curve_is_drawn_for_the_page(tmp_path: Path) -> None:
    file = tmp_path / "learning.svg"
    draw_learning(file, {"right": [(0, 0.2), (10, 0.6)], "answerable refused": [(0, 0.1), (10, 0.2)]})
    words = " ".join(ElementTree.parse(file).getroot().itertext())
    assert "rows learned, of 10" in words
    assert "answerable refused" in words
