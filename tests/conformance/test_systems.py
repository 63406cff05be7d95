"""What every way to answer must do, whichever it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args

import pytest

from adapter_world import adapter
from ragraft.access.labels import OWNER
from ragraft.answering import TUNED, Answering
from ragraft.cli.answers import answer_json
from ragraft.errors import NotAllowedError, NotFoundError, UserError
from ragraft.models.fake import FakeChatModel, FakeEmbedder, FakeReader
from ragraft.protocols import System
from ragraft.systems import SystemKind, Workbench
from ragraft.tune.export import SERVED
from ragraft.types import Answer, Message
from small_world import STRANGER, add_files, member, own_library

STAFF = member("staff")
QUESTION = "How many days of annual leave does every employee have?"
SENTENCE = "Every employee has thirty days of annual leave"
TALK = [
    Message("user", "Who reads the leave policy?"),
    Message("assistant", "Every employee reads it."),
]
KINDS: tuple[SystemKind, ...] = get_args(SystemKind)
OVER_PASSAGES: tuple[SystemKind, ...] = ("rag", "long_context", "tuned_rag", "raft")
FROM_MEMORY: tuple[SystemKind, ...] = ("plain", "tuned")


@pytest.fixture(scope="module")
def library(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A library with one document and one adapter, which the group staff may use."""
    folder = tmp_path_factory.mktemp("systems")
    with own_library(server_dsn, template, folder / "home") as bench:
        add_files(bench, folder / "docs", {"leave.md": f"# Leave\n\n{SENTENCE} in a year.\n"}, "staff")
        draft = bench.workspace.state / "draft"
        draft.mkdir()
        (draft / SERVED).write_bytes(b"weights")
        made = adapter(
            "house", path=draft, groups=frozenset({"staff"}), card={"rank": 8, "recipe": {"raft": True}}
        )
        bench.adapters.add(made, read_at=bench.adapters.moment(), caller=OWNER)
        yield bench


@dataclass(frozen=True)
class Opened:
    """A system with the model behind it and the library that it belongs to."""

    system: System
    model: FakeChatModel
    bench: Workbench


Open = Callable[..., Opened]


@pytest.fixture
def open_system(library: Workbench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open a system of a kind on a model of the test's own, as another process would."""
    opened: list[Workbench] = []

    def open_one(kind: SystemKind, *replies: str) -> Opened:
        model = FakeChatModel(replies)
        monkeypatch.setattr("ragraft.answering.open_tuned_model", lambda *_, **__: model)
        bench = Workbench(library.workspace, embedder=FakeEmbedder(), model=model, reader=FakeReader())
        opened.append(bench)
        system = Answering(bench).system(kind, adapter="house" if kind in TUNED else None, caller=STAFF)
        return Opened(system, model, bench)

    yield open_one
    for bench in opened:
        bench.close()


every = pytest.mark.parametrize("kind", KINDS)
on_an_adapter = pytest.mark.parametrize("kind", TUNED)
over_passages = pytest.mark.parametrize("kind", OVER_PASSAGES)
from_memory = pytest.mark.parametrize("kind", FROM_MEMORY)


@every
def test_the_card_names_the_kind_and_the_model(open_system: Open, kind: SystemKind) -> None:
    opened = open_system(kind)
    card = opened.system.card
    assert (card.kind, card.model) == (kind, opened.model.name)
    assert card.name == (f"{kind}:house" if kind in TUNED else kind)


@every
def test_the_answer_is_signed_with_the_card(open_system: Open, kind: SystemKind) -> None:
    system = open_system(kind).system
    assert system.answer(QUESTION, caller=STAFF).system == system.card


@every
def test_an_answer_tells_what_was_asked_and_what_was_used(open_system: Open, kind: SystemKind) -> None:
    answer = open_system(kind, f"{SENTENCE} [1].").system.answer(QUESTION, caller=STAFF)
    assert answer.question == QUESTION
    assert answer.prompt.tokens == answer.usage.prompt_tokens > 0
    assert answer.timings["generate"] >= 0


@every
def test_a_refusal_and_only_a_refusal_says_that_it_is_one(open_system: Open, kind: SystemKind) -> None:
    for reply in (f"{SENTENCE} [1].", " "):
        answer = open_system(kind, reply).system.answer(QUESTION, caller=STAFF)
        assert answer.refused == (answer.origin == "refusal")
        assert answer.text


@every
def test_the_draft_is_what_was_told_on_the_way(open_system: Open, kind: SystemKind) -> None:
    pieces: list[str] = []
    answer = open_system(kind, f"{SENTENCE} [1].").system.answer(
        QUESTION, caller=STAFF, on_text=pieces.append
    )
    assert "".join(pieces) == answer.draft == f"{SENTENCE} [1]."


@every
def test_what_the_listener_raises_comes_out(open_system: Open, kind: SystemKind) -> None:
    def listen(piece: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_system(kind, "Thirty.").system.answer(QUESTION, caller=STAFF, on_text=listen)


@every
def test_the_same_question_gets_the_same_answer(open_system: Open, kind: SystemKind) -> None:
    system = open_system(kind, f"{SENTENCE} [1].").system
    one, other = (system.answer(QUESTION, caller=STAFF) for _ in range(2))
    assert (one.text, one.reason, one.draft) == (other.text, other.reason, other.draft)
    assert [citation.quote for citation in one.citations] == [citation.quote for citation in other.citations]


MANY = [QUESTION, "Who reads the leave policy?", QUESTION, "Xyzzy?"]


def lasting(answer: Answer) -> tuple[object, ...]:
    """Return all of an answer but how long it took and when its passages were read."""
    shown = {key: value for key, value in answer_json(answer).items() if key != "timings"}
    given = [(one.uri, one.revision, one.chunk) for one in answer.prompt.passages]
    return shown, given, answer.prompt.messages, answer.prompt.max_answer_tokens


@every
@pytest.mark.parametrize("reply", [f"{SENTENCE} [1].", "Ninety days [7]. See [it](https://a.test).", " ", ""])
def test_several_questions_get_the_answers_that_each_gets_alone(
    open_system: Open, kind: SystemKind, reply: str
) -> None:
    system = open_system(kind, *([reply] if reply else [])).system
    many = system.answer_many(MANY, caller=STAFF)
    assert [lasting(answer) for answer in many] == [
        lasting(system.answer(question, caller=STAFF)) for question in MANY
    ]


@every
def test_several_questions_are_answered_in_their_order(open_system: Open, kind: SystemKind) -> None:
    answers = open_system(kind).system.answer_many(MANY, caller=STAFF)
    assert [answer.question for answer in answers] == MANY
    assert all(answer.timings for answer in answers)


@every
def test_no_question_is_no_answer(open_system: Open, kind: SystemKind) -> None:
    assert open_system(kind).system.answer_many([], caller=STAFF) == []


@every
def test_several_questions_show_nobody_what_he_may_not_read(open_system: Open, kind: SystemKind) -> None:
    system = open_system(kind).system
    try:
        shown = json.dumps([answer_json(one) for one in system.answer_many(MANY, caller=STRANGER)])
    except NotAllowedError as error:
        shown = str(error)
    assert "thirty" not in shown and "leave.md" not in shown


@every
def test_the_model_is_told_what_was_said_before(open_system: Open, kind: SystemKind) -> None:
    opened = open_system(kind, f"{SENTENCE} [1].")
    opened.system.answer(QUESTION, caller=STAFF, history=TALK)
    told = "\n".join(message.content for message in opened.model.received[-1])
    assert TALK[0].content in told and QUESTION in told


@every
def test_the_history_of_the_caller_is_left_as_it_was(open_system: Open, kind: SystemKind) -> None:
    history = list(TALK)
    open_system(kind, "Thirty.").system.answer(QUESTION, caller=STAFF, history=history)
    assert history == TALK


@every
def test_every_answer_has_a_form_in_json(open_system: Open, kind: SystemKind) -> None:
    found = answer_json(open_system(kind, f"{SENTENCE} [1].").system.answer(QUESTION, caller=STAFF))
    assert json.loads(json.dumps(found))["system"]["kind"] == kind


@every
def test_nobody_is_shown_what_he_may_not_read(open_system: Open, kind: SystemKind) -> None:
    system = open_system(kind).system
    try:
        shown = json.dumps(answer_json(system.answer(QUESTION, caller=STRANGER)))
    except NotAllowedError as error:
        shown = str(error)
    assert "thirty" not in shown and "leave.md" not in shown


@on_an_adapter
def test_who_may_not_use_the_adapter_is_refused_and_the_model_is_not_asked(
    open_system: Open, kind: SystemKind
) -> None:
    opened = open_system(kind)
    with pytest.raises(NotAllowedError, match="stranger may not use"):
        opened.system.answer(QUESTION, caller=STRANGER)
    assert opened.model.received == []


@on_an_adapter
def test_who_may_not_use_the_adapter_is_not_told_that_it_is_there(
    open_system: Open, kind: SystemKind
) -> None:
    bench = open_system("rag").bench
    with pytest.raises(NotFoundError, match="no adapter 'house'"):
        Answering(bench).system(kind, adapter="house", caller=STRANGER)


@on_an_adapter
def test_who_asked_and_who_was_refused_is_on_record(open_system: Open, kind: SystemKind) -> None:
    opened = open_system(kind, "Thirty.")
    opened.system.answer(QUESTION, caller=STAFF)
    with pytest.raises(NotAllowedError):
        opened.system.answer(QUESTION, caller=STRANGER)
    entries = [entry for entry in opened.bench.audit.entries() if entry.action.startswith("adapter ")]
    last = sorted(entries, key=lambda entry: entry.number)[-2:]
    assert [(entry.action, entry.caller) for entry in last] == [
        ("adapter asked", STAFF.name),
        ("adapter denied", STRANGER.name),
    ]


@from_memory
def test_what_is_from_memory_shows_no_citation_whatever_it_says(open_system: Open, kind: SystemKind) -> None:
    reply = f"{SENTENCE} [1]. See [the policy](https://example.test/leave) [2]."
    answer = open_system(kind, reply).system.answer(QUESTION, caller=STAFF)
    assert (answer.citations, answer.verdicts, answer.checks, answer.prompt.passages) == ((), (), (), ())
    assert "[" not in answer.text and "https" not in answer.text
    assert answer.invented == (1, 2)


@from_memory
def test_what_is_from_memory_says_so(open_system: Open, kind: SystemKind) -> None:
    answer = open_system(kind, f"{SENTENCE}.").system.answer(QUESTION, caller=STAFF)
    assert "memory" in answer.reason


@over_passages
def test_what_passages_say_is_cited(open_system: Open, kind: SystemKind) -> None:
    answer = open_system(kind, f"{SENTENCE} [1].").system.answer(QUESTION, caller=STAFF)
    (verdict,) = answer.verdicts
    assert verdict.supported
    assert verdict.citation.passage.uri == "leave.md"
    assert SENTENCE in verdict.citation.quote


@over_passages
def test_nobody_is_believed_what_passages_do_not_say(open_system: Open, kind: SystemKind) -> None:
    made_up = "Every employee has ninety days of annual leave and a horse"
    answer = open_system(kind, f"{made_up} [1].").system.answer(QUESTION, caller=STAFF)
    assert "ninety" not in answer.text
    assert all(verdict.supported for verdict in answer.verdicts)


def test_models_over_passages_are_given_the_same_prompt(open_system: Open) -> None:
    prompts = []
    for kind in OVER_PASSAGES:  # all passages of this library fit any prompt
        opened = open_system(kind, f"{SENTENCE} [1].")
        opened.system.answer(QUESTION, caller=STAFF)
        prompts.append(opened.model.received)
    assert prompts == [prompts[0]] * len(OVER_PASSAGES)


def test_a_model_that_was_not_taught_to_read_is_no_raft(library: Workbench) -> None:
    draft = library.workspace.state / "untaught"
    draft.mkdir()
    made = adapter("untaught", path=draft)
    library.adapters.add(made, read_at=library.adapters.moment(), caller=OWNER)
    with pytest.raises(UserError, match="not taught to answer from passages"):
        Answering(library).system("raft", adapter="untaught", caller=OWNER)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, None if kind in TUNED else "house") for kind in get_args(SystemKind)]
)
def test_a_kind_and_an_adapter_must_go_together(
    library: Workbench, kind: SystemKind, name: str | None
) -> None:
    with pytest.raises(UserError, match="adapter"):
        Answering(library).system(kind, adapter=name, caller=STAFF)
