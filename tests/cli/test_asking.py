"""`search`, `ask` and `chat`: what they print, as words, as JSON and as events."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragraft.models.fake import FakeChatModel

Run = Callable[..., Any]

LEAVE = "How many days of annual leave does an employee have?"
SAID = "Every employee has thirty days of annual leave in a year."


@pytest.fixture
def ragraft(ragraft: Run, folder: Path) -> Run:
    """Run commands in a workspace with the folder's documents."""
    ragraft("add", folder, "--group", "everyone")
    return ragraft


def err(ragraft: Run) -> str:
    """Return what the last command wrote to standard error."""
    return str(ragraft.err)  # type: ignore[attr-defined]


def replies(*texts: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("chat_model", [texts], indirect=True)


def test_search_has_its_shape(ragraft: Run) -> None:
    (first, *_) = ragraft("search", "annual leave days", "--json")
    assert set(first) == {
        "document", "title", "text", "start", "end", "page", "score", "revision", "context",
    }  # fmt: skip
    assert (first["document"], first["revision"]) == ("leave.md", 1)


def test_search_shows_where_each_passage_stands(ragraft: Run) -> None:
    out = ragraft("search", "annual leave days", "--limit", 1)
    assert out.startswith("1. Leave  leave.md, characters ")
    assert SAID in out


def test_a_query_that_finds_nothing_says_so(ragraft: Run) -> None:
    ragraft("remove", "leave.md", "finance/budget.md")
    assert ragraft("search", "annual leave") == "Nothing found.\n"


def test_an_answer_has_its_shape(ragraft: Run) -> None:
    answer = ragraft("ask", LEAVE, "--json")
    assert set(answer) == {
        "text", "refused", "reason", "origin", "question", "confidence", "citations", "checks", "draft", "invented",
        "repaired", "nearest", "dropped", "system", "usage", "timings",
    }  # fmt: skip
    (citation,) = answer["citations"]
    assert set(citation) == {
        "marker", "claim", "document", "title", "page", "start", "end", "quote", "verdict", "reason", "revision",
        "reference",
    }  # fmt: skip
    (check,) = answer["checks"]
    assert set(check) == {"sentence", "support", "reason", "score", "repaired", "shown", "citations"}
    assert check["citations"] == [citation["reference"]]
    assert (citation["quote"], citation["verdict"], answer["origin"]) == (SAID, True, "model")
    assert set(answer["usage"]) == {"prompt_tokens", "completion_tokens"}


def test_a_citation_is_exactly_the_documents_characters(ragraft: Run) -> None:
    (citation,) = ragraft("ask", LEAVE, "--json")["citations"]
    text = ragraft("show", citation["document"], "--json")["text"]
    assert text[citation["start"] : citation["end"]] == citation["quote"]


@replies("Nine days [1].")
def test_an_answer_in_words_has_its_quote_and_its_reference(ragraft: Run) -> None:
    out = ragraft("ask", LEAVE)
    text, _, head, *_, quoted = out.rstrip().split("\n")
    assert text == f"“{SAID}” [1]"
    assert head == f"[1] Leave  leave.md@1#9-{9 + len(SAID)}"
    assert quoted == f"    {SAID}"
    assert "Quoted from the documents, for nothing that the model wrote is supported" in err(ragraft)


@replies(f"{SAID[:-1]} [2]. It is so in Lyon [1]. Dogs too [7].")
def test_remarks_say_what_was_left_out_and_set_right(ragraft: Run) -> None:
    ragraft("ask", LEAVE)
    for words in (
        "2 unsupported sentences left out",
        "It is so in Lyon.",
        "1 citation set to the passage that supports the sentence",
        "named no passage and were taken out: [7]",
    ):
        assert words in err(ragraft)


@replies("I do not know.")
def test_a_refusal_says_what_is_missing_and_what_came_nearest(ragraft: Run) -> None:
    out = ragraft("ask", "Do zebras graze there?")
    assert "mentions “zebras”" in out
    assert "Nearest in the documents:\n  Leave  leave.md, characters" in out
    assert "demo-grade" not in err(ragraft)


@replies(f"{SAID} It is [bold]so[/bold] in [/red] Lyon.")
def test_what_a_model_writes_is_no_markup_of_the_terminal(ragraft: Run) -> None:
    ragraft("ask", LEAVE)
    assert "It is [bold]so[/bold] in [/red] Lyon." in err(ragraft)


def test_events_end_with_the_checked_answer(ragraft: Run) -> None:
    events = [json.loads(line) for line in ragraft("ask", LEAVE, "--events").splitlines()]
    *pieces, last = events
    assert {event["event"] for event in pieces} == {"text"}
    assert len(pieces) > 1
    assert "".join(event["text"] for event in pieces) == last["draft"]
    assert (last["event"], last["citations"][0]["quote"]) == ("answer", SAID)


def test_the_events_of_a_refusal_are_the_answer_alone(ragraft: Run) -> None:
    ragraft("remove", "leave.md", "finance/budget.md")
    (event,) = [json.loads(line) for line in ragraft("ask", LEAVE, "--events").splitlines()]
    assert (event["event"], event["refused"]) == ("answer", True)


def test_events_of_a_hidden_document_are_those_of_an_absent_one(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder, "--group", "staff")
    (event,) = [
        json.loads(line) for line in ragraft("ask", LEAVE, "--events", "--as-group", "x").splitlines()
    ]
    assert (event["nearest"], event["citations"], event["draft"]) == ([], [], "")


HISTORY = [
    {"role": "user", "content": "What does the site in Kassel cost?"},
    {"role": "assistant", "content": "Two million.", "more": 1},
]


@pytest.mark.parametrize("form", ["lines", "list"])
def test_a_follow_up_is_understood_by_its_history(ragraft: Run, tmp_path: Path, form: str) -> None:
    path = tmp_path / "history"
    path.write_text(
        "\n\n".join(map(json.dumps, HISTORY)) if form == "lines" else f"\n {json.dumps(HISTORY, indent=2)}"
    )
    answer = ragraft("ask", "And in Hamburg?", "--history", path, "--json")
    assert answer["question"] == "What does the site in Hamburg cost?"
    ragraft("ask", "And in Hamburg?", "--history", path)
    assert "understood as: What does the site in Hamburg cost?" in err(ragraft)


def test_a_history_may_hold_other_line_ends_within_a_text(ragraft: Run, tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text(json.dumps({"role": "user", "content": "a\u2028b\u0085c"}, ensure_ascii=False))
    assert ragraft("ask", LEAVE, "--history", path, "--json")["question"] == LEAVE


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[1]",
        b'{"role": "system", "content": "x"}',
        b'{"role": "user"}',
        b"\xff",
        b'"x"',
        b"[",
        b"null",
    ],
)
def test_a_file_that_is_no_history_is_the_users_to_mend(ragraft: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "history"
    path.write_bytes(content)
    ragraft("ask", "Why?", "--history", path, code=2)
    assert '"role"' in err(ragraft)


def test_the_line_that_is_no_turn_is_named(ragraft: Run, tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text('{"role": "user", "content": "x"}\n\n{"role": "user"}\n')
    ragraft("ask", "Why?", "--history", path, code=2)
    assert "is no history: line 3: Field required" in " ".join(err(ragraft).split())


def test_an_empty_history_is_none(ragraft: Run, tmp_path: Path) -> None:
    (path := tmp_path / "history").write_text("\n")
    assert ragraft("ask", LEAVE, "--history", path, "--json")["question"] == LEAVE


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Say what comes through standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_chat_answers_each_line_that_is_piped_in(ragraft: Run, typed: Callable[[str], None]) -> None:
    typed(f"{LEAVE}\n\n   \nWhat is the budget of the Hamburg site?\n")
    answers = [json.loads(line) for line in ragraft("chat", "--json", code=0, raw=True).splitlines()]
    assert [answer["citations"][0]["document"] for answer in answers] == ["leave.md", "finance/budget.md"]


def test_chat_understands_a_line_by_those_before_it(ragraft: Run, typed: Callable[[str], None]) -> None:
    typed("What is the budget of the site in Kassel?\nAnd in Hamburg?\n")
    answers = [json.loads(line) for line in ragraft("chat", "--json", raw=True).splitlines()]
    assert answers[1]["question"] == "What is the budget of the site in Hamburg?"


def test_chat_in_words_prints_each_answer(ragraft: Run, typed: Callable[[str], None]) -> None:
    typed(f"{LEAVE}\n{LEAVE}\n")
    assert ragraft("chat").count(f"{SAID} [1]") == 2


def test_chat_without_a_line_ends_at_once(ragraft: Run, typed: Callable[[str], None]) -> None:
    typed("")
    assert ragraft("chat") == ""


def test_a_long_chat_keeps_its_latest_turns(
    ragraft: Run, typed: Callable[[str], None], chat_model: FakeChatModel
) -> None:
    typed("".join(f"What is the budget of site {at}?\n" for at in range(30)))
    ragraft("chat")
    turns = [message.content for message in chat_model.received[-1][1:-1]]
    assert "What is the budget of site 28?" in turns
    assert len(turns) <= 20


def test_what_is_said_in_a_chat_is_kept_nowhere(
    ragraft: Run, typed: Callable[[str], None], tmp_path: Path
) -> None:
    typed("Where is the quokka kept?\n")
    ragraft("chat")
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"quokka" not in kept
    assert "quokka" not in json.dumps(ragraft("audit", "show", "--json"))
