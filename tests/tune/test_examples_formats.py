"""The files that examples come in, and the conversations that rows become."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from example_world import lines

from ragraft.errors import UserError
from ragraft.tune.reading import LARGEST_ROW, RawRow, Rejected, read_rows
from ragraft.tune.rows import compose

ASKED = ("user", "Who has the key?")
ANSWERED = ("assistant", "The porter.")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("question", {"question": "Who has the key?", "answer": "The porter."}),
        ("question", {"prompt": "Who has the key?", "completion": "The porter."}),
        ("question", {"text": "Who has the key?", "category": "The porter."}),
        ("chat", {"messages": [{"role": "user", "content": "Who has the key?"},
                               {"role": "assistant", "content": "The porter."}]}),
        ("chat", {"conversations": [{"from": "human", "value": "Who has the key?"},
                                    {"from": "gpt", "value": "The porter."}]}),
        ("chat", {"messages": [{"role": "user", "content": [{"type": "text", "text": "Who has "},
                                                            {"type": "text", "text": "the key?"}]},
                               {"role": "assistant", "content": "The porter."}]}),
    ],
)  # fmt: skip
def test_a_row_is_told_by_its_keys(kind: str, fields: dict[str, object]) -> None:
    (draft,) = compose(fields, kind=None, where="file:1")
    assert (draft.kind, draft.turns) == (kind, (ASKED, ANSWERED))


def test_an_edit_asks_for_the_house_style_and_answers_with_the_edited_text() -> None:
    (draft,) = compose({"before": "We utilize it.", "after": "We use it."}, kind=None, where="file:1")
    assert "We utilize it." in draft.turns[0][1]
    assert draft.turns[1] == ("assistant", "We use it.")


def test_a_product_is_described_from_all_its_other_columns() -> None:
    row = {
        "name": "Castor HC",
        "load_kg": 125,
        "brake": True,
        "colours": ["grey", "blue"],
        "note": "",
        "description": "It rolls.",
    }
    (draft,) = compose(row, kind=None, where="file:1")
    asked = draft.turns[0][1]
    assert asked.splitlines()[2:] == ["name: Castor HC", "load_kg: 125", "brake: yes", "colours: grey, blue"]
    assert draft.turns[1] == ("assistant", "It rolls.")


def test_an_expansion_is_taught_by_meaning_and_in_sentences() -> None:
    drafts = compose(
        {"term": "PT services", "meaning": "physical therapy services"}, kind=None, where="file:1"
    )
    answers = [draft.turns[-1][1] for draft in drafts]
    assert "Here, PT services means physical therapy services." in answers
    assert "We asked about physical therapy services today." in answers
    assert {draft.split_by for draft in drafts} == {"file:1"}


def test_a_definition_never_stands_in_the_place_of_its_term() -> None:
    meaning = "A colleague from another area who looks after a newcomer"
    drafts = compose({"term": "Godparent", "meaning": meaning}, kind=None, where="file:1")
    assert not any("We asked about" in draft.turns[-1][1] for draft in drafts)
    assert drafts[0].turns[-1][1] == f"Here, Godparent means a{meaning[1:]}."


def test_what_an_outsider_takes_a_term_for_is_denied() -> None:
    row = {
        "term": "ADR",
        "meaning": "Architecture Decision Record",
        "wrong_expansion": "Alternative Dispute Resolution",
    }
    turns = [draft.turns for draft in compose(row, kind=None, where="file:1")]
    assert (
        ("user", "Does ADR mean Alternative Dispute Resolution?"),
        ("assistant", "No. Here, ADR means Architecture Decision Record."),
    ) in turns


def test_a_german_term_is_taught_in_german() -> None:
    drafts = compose(
        {"term": "BV", "meaning": "Betriebsvereinbarung", "language": "de"}, kind=None, where="file:1"
    )
    assert drafts[0].turns[0][1] == "Was bedeutet BV bei uns?"


def test_a_remark_behind_a_term_is_left_out_of_sentences() -> None:
    drafts = compose(
        {"term": "AWS (in timesheets)", "meaning": "Alternative Work Schedule"}, kind=None, where="f:1"
    )
    sentences = [draft.turns[0][1] for draft in drafts if "asked about" in draft.turns[0][1]]
    assert sentences == ["Write this out in full: We asked about AWS today."]


def test_a_system_message_goes_before_rows_that_have_none() -> None:
    own = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            *({"role": r, "content": c} for r, c in (ASKED, ANSWERED)),
        ]
    }
    plain = {"question": "Who has the key?", "answer": "The porter."}
    firsts = [compose(row, kind=None, where="f:1", system="Be kind.")[0].turns[0] for row in (own, plain)]
    assert firsts == [("system", "Be brief."), ("system", "Be kind.")]


def test_the_split_goes_by_document_then_by_group_then_by_row() -> None:
    row = {
        "question": "Who?",
        "answer": "She.",
        "group": "keys",
        "evidence": [{"document": "a.md"}, {"document": "b.md"}],
    }
    (draft,) = compose(row, kind=None, where="f:1")
    assert (draft.split_by, draft.documents) == ("a.md", ("a.md", "b.md"))
    assert compose({**row, "evidence": []}, kind=None, where="f:1")[0].split_by == "keys"
    assert compose({"question": "Who?", "answer": "She."}, kind=None, where="f:1")[0].split_by == "f:1"


def test_a_kind_that_is_given_overrides_what_the_keys_say() -> None:
    row = {"question": "Old text", "answer": "x", "before": "Old text", "after": "New text"}
    (draft,) = compose(row, kind="edit", where="f:1")
    assert draft.turns[1] == ("assistant", "New text")


def test_a_row_of_no_known_kind_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match="it has colour; expected question and answer"):
        compose({"colour": "grey"}, kind=None, where="f:1")


def test_every_line_of_json_is_a_row_or_has_a_reason(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "rows.jsonl", {"question": "a", "answer": "b"}, "", "{not json", "[1]", "[" * 100_000
    )
    rows = list(read_rows(path))
    assert [row.row.rpartition(":")[2] for row in rows] == ["1", "3", "4", "5"]
    reasons = [row.reason if isinstance(row, Rejected) else "" for row in rows]
    assert reasons[0] == ""
    assert reasons[2] == "is no JSON object"
    assert all(reason.startswith("is no JSON") for reason in reasons[1:])


def test_bytes_that_are_no_utf8_reject_only_their_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"question": "a", "answer": "gr\xfc\xdfe"}\n{"question": "a", "answer": "b"}\n')
    first, second = read_rows(path)
    assert isinstance(first, Rejected)
    assert first.reason == "is not UTF-8"
    assert isinstance(second, RawRow)


def test_half_a_character_written_in_json_is_rejected(tmp_path: Path) -> None:
    (row,) = read_rows(lines(tmp_path / "rows.jsonl", r'{"question": "a \ud83d", "answer": "b"}'))
    assert isinstance(row, Rejected)


def test_a_row_that_is_too_big_is_rejected(tmp_path: Path) -> None:
    (row,) = read_rows(lines(tmp_path / "rows.jsonl", {"question": "a" * LARGEST_ROW, "answer": "b"}))
    assert isinstance(row, Rejected)
    assert row.reason.startswith("is too big")


def test_a_json_array_is_read_by_number(tmp_path: Path) -> None:
    path = tmp_path / "chats.json"
    path.write_text(json.dumps([{"question": "a", "answer": "b"}, 3]))
    assert [row.row for row in read_rows(path)] == [f"{path.as_posix()}:1", f"{path.as_posix()}:2"]


def test_a_broken_json_array_is_one_rejected_row(tmp_path: Path) -> None:
    path = tmp_path / "chats.json"
    path.write_text('[{"question": ')
    (row,) = read_rows(path)
    assert isinstance(row, Rejected)


def test_a_csv_row_has_the_line_that_it_begins_on(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('Question,Answer\n"two\nlines?",yes\nshort?,no\n')
    rows = [row for row in read_rows(path) if isinstance(row, RawRow)]
    assert [(row.line, row.fields["question"]) for row in rows] == [(2, "two\nlines?"), (4, "short?")]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_csv_may_have_another_delimiter(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"question{delimiter}answer\nWhy, then?{delimiter}Because.\n")
    (row,) = read_rows(path)
    assert isinstance(row, RawRow)
    assert row.fields == {"question": "Why, then?", "answer": "Because."}


def test_a_csv_row_of_the_wrong_width_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("question,answer\na,b,c\nd\n")
    assert [row.reason for row in read_rows(path) if isinstance(row, Rejected)] == [
        "has more cells than the header has columns",
        "has fewer cells than the header has columns",
    ]


def test_messages_that_stand_one_a_line_become_conversations(tmp_path: Path) -> None:
    path = tmp_path / "chat.csv"
    path.write_text(
        "conversation,role,content\n7,user,Hi\n8,user,Hello\n7,assistant,Good day\n8,assistant,Yes\n"
    )
    rows = [row for row in read_rows(path) if isinstance(row, RawRow)]
    assert [row.line for row in rows] == [2, 3]
    assert [turn["content"] for turn in rows[0].fields["messages"]] == ["Hi", "Good day"]


def test_a_csv_without_a_header_and_a_missing_file_are_errors(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    for path in (tmp_path / "empty.csv", tmp_path / "none.jsonl"):
        with pytest.raises(UserError):
            list(read_rows(path))
