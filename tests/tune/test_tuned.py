"""The tuned system: who is let in, and that nothing it says passes for a citation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from adapter_world import adapter, add_adapter, draft_folder, registry_of
from ragraft.access.labels import OWNER
from ragraft.answering import Answering
from ragraft.errors import NotAllowedError, NotFoundError, UserError
from ragraft.models.fake import FakeChatModel
from ragraft.systems import Workbench
from ragraft.tune.tuned import TunedSystem, require_admitted
from ragraft.types import Adapter, Message, SystemCard
from small_world import STRANGER, add_files, member

CARD = SystemCard("house", "tuned", "fake", "0")
HOUSE = adapter()
FROM_MEMORY = "from the tuned model's memory: nothing was looked up, so nothing is cited"
STAFF = adapter(groups=frozenset({"staff"}))


def system(
    *replies: str, state: Adapter = HOUSE, window: int = 4096, text: str = ""
) -> tuple[TunedSystem, FakeChatModel]:
    model = FakeChatModel(replies or ["Thirty days."], window=window)
    return TunedSystem(
        card=CARD, model=model, admit=lambda caller: require_admitted(state, caller), system=text
    ), model


def test_an_answer_says_that_it_is_from_memory() -> None:
    tuned, _ = system("Thirty days.")
    answer = tuned.answer("How long is leave?", caller=STRANGER)
    assert (answer.text, answer.reason, answer.origin) == ("Thirty days.", FROM_MEMORY, "model")
    assert not answer.refused


def test_no_citation_is_ever_shown() -> None:
    tuned, _ = system("Thirty days [1]. See [the policy](https://example.test/x), as [2, 3] say.")
    answer = tuned.answer("How long is leave?", caller=STRANGER)
    assert (answer.citations, answer.verdicts, answer.checks) == ((), (), ())
    assert answer.text == "Thirty days. See the policy, as say."
    assert answer.invented == (1, 2, 3)


def test_nothing_is_put_around_the_question() -> None:
    tuned, model = system()
    tuned.answer(" How long is leave? ", caller=STRANGER)
    assert model.received == [(Message("user", "How long is leave?"),)]


def test_the_system_text_of_the_examples_comes_first() -> None:
    tuned, model = system(text="You work at Morvelt.")
    tuned.answer("How long is leave?", caller=STRANGER)
    assert model.received[0][0] == Message("system", "You work at Morvelt.")


def test_a_caller_who_may_not_read_its_sources_is_refused_before_the_model_is_asked() -> None:
    tuned, model = system(state=STAFF)
    with pytest.raises(NotAllowedError, match="may not use"):
        tuned.answer("How long is leave?", caller=STRANGER)
    assert model.received == []


def test_a_caller_who_may_read_its_sources_is_answered() -> None:
    tuned, _ = system(state=STAFF)
    assert tuned.answer("How long is leave?", caller=member("staff")).text == "Thirty days."


@pytest.mark.parametrize(
    "state",
    [
        replace(HOUSE, tainted_by=("leave.md (removed)",)),
        replace(HOUSE, gates={}),
        replace(HOUSE, gates={"quality": {"passed": False}}),
    ],
    ids=["tainted", "not gated", "not passed"],
)
def test_an_adapter_out_of_service_answers_nobody(state: Adapter) -> None:
    tuned, model = system(state=state)
    with pytest.raises(NotAllowedError, match="out of service"):
        tuned.answer("How long is leave?", caller=OWNER)
    assert model.received == []


def test_an_erasure_withdraws_a_model_that_is_loaded(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"leave.md": "# Leave\n\nThirty days."}, "everyone")
    add_adapter(bench, "leave.md")
    registry = registry_of(bench)
    tuned = TunedSystem(
        card=CARD,
        model=FakeChatModel(["Thirty days."]),
        admit=lambda caller: require_admitted(registry.find("house", caller=OWNER), caller),
    )
    before = tuned.answer("How long is leave?", caller=STRANGER).text
    bench.eraser.erase("leave.md", caller=OWNER)
    assert before == "Thirty days."
    with pytest.raises(NotAllowedError, match=r"document \d+ \(erased\)"):
        tuned.answer("How long is leave?", caller=STRANGER)


def audited(bench: Workbench, state: Adapter) -> TunedSystem:
    """Return a system on an adapter in the registry, as the workbench lets callers in."""
    draft = draft_folder(bench)
    known = bench.adapters.add(replace(state, path=str(draft)), read_at=bench.adapters.moment(), caller=OWNER)
    return TunedSystem(
        card=CARD, model=FakeChatModel(["Thirty days."]), admit=partial(Answering(bench).admit, known)
    )


def last_entries(bench: Workbench, count: int) -> list[tuple[str, str, str]]:
    """Return the latest entries of the audit, the oldest first."""
    entries = sorted(bench.audit.entries(limit=count), key=lambda entry: entry.number)
    return [(entry.action, entry.caller, entry.detail["adapter"]) for entry in entries]


def test_who_asked_and_who_was_refused_is_on_record(bench: Workbench) -> None:
    tuned = audited(bench, STAFF)
    tuned.answer("How long is leave?", caller=OWNER)
    with pytest.raises(NotAllowedError):
        tuned.answer("How long is leave?", caller=STRANGER)
    assert last_entries(bench, 2) == [
        ("adapter asked", "owner", "house"),
        ("adapter denied", "stranger", "house"),
    ]


def test_asking_an_adapter_out_of_service_is_on_record_as_denied(bench: Workbench) -> None:
    tuned = audited(bench, replace(HOUSE, gates={}))
    with pytest.raises(NotAllowedError, match="out of service"):
        tuned.answer("How long is leave?", caller=OWNER)
    assert last_entries(bench, 1) == [("adapter denied", "owner", "house")]


def test_an_adapter_that_was_removed_answers_nobody(bench: Workbench) -> None:
    tuned = audited(bench, HOUSE)
    bench.adapters.remove("house", caller=OWNER)
    with pytest.raises(NotFoundError):
        tuned.answer("How long is leave?", caller=OWNER)


@pytest.mark.parametrize("again", ["replaced", "removed and made again"])
def test_a_model_that_is_open_goes_with_its_adapter(bench: Workbench, again: str) -> None:
    tuned = audited(bench, HOUSE)
    other = replace(HOUSE, path=str(draft_folder(bench, "other")), made_at=HOUSE.made_at + timedelta(hours=1))
    if again == "replaced":
        bench.adapters.replace(other, read_at=bench.adapters.moment(), caller=OWNER)
    else:
        bench.adapters.remove("house", caller=OWNER)
        bench.adapters.add(other, read_at=bench.adapters.moment(), caller=OWNER)
    with pytest.raises(NotAllowedError, match="has been replaced"):
        tuned.answer("How long is leave?", caller=OWNER)


def test_memory_has_no_past() -> None:
    tuned, _ = system()
    with pytest.raises(UserError, match="as of a date"):
        tuned.answer("How long is leave?", caller=OWNER, as_of=datetime(2026, 1, 1, tzinfo=UTC))


def test_the_oldest_turns_go_first_and_never_half_of_one() -> None:
    tuned, model = system(window=230)
    turns = [
        Message("user", "one " * 10), Message("assistant", "two " * 10),
        Message("user", "three"), Message("assistant", "four"),
    ]  # fmt: skip
    answer = tuned.answer("And now?", caller=OWNER, history=turns)
    assert model.received[0] == (*turns[2:], Message("user", "And now?"))
    assert [(dropped.what, dropped.items) for dropped in answer.prompt.dropped] == [("history", 2)]


def test_a_question_longer_than_the_window_is_the_users_to_shorten() -> None:
    tuned, _ = system(window=210)
    with pytest.raises(UserError, match="takes 10"):
        tuned.answer("word " * 50, caller=OWNER)


def test_a_loop_is_cut_and_said() -> None:
    tuned, _ = system("Leave is thirty days. Leave is thirty days. Leave is thirty days.")
    answer = tuned.answer("How long is leave?", caller=OWNER)
    assert answer.text == "Leave is thirty days."
    assert "repeat itself" in answer.reason


def test_an_answer_that_is_empty_is_a_refusal() -> None:
    tuned, _ = system(" [1] ")
    answer = tuned.answer("How long is leave?", caller=OWNER)
    assert (answer.text, answer.refused, answer.origin) == (
        "The tuned model gave no answer.",
        True,
        "refusal",
    )


def test_several_questions_are_several_on_record(bench: Workbench) -> None:
    tuned = audited(bench, STAFF)
    answers = tuned.answer_many(["How long is leave?", "And in May?"], caller=OWNER)
    assert [answer.text for answer in answers] == ["Thirty days.", "Thirty days."]
    assert last_entries(bench, 2) == [("adapter asked", "owner", "house")] * 2


def test_several_questions_of_a_caller_who_may_not_use_it_are_refused_before_the_model_is_asked() -> None:
    tuned, model = system(state=STAFF)
    with pytest.raises(NotAllowedError, match="may not use"):
        tuned.answer_many(["How long is leave?", "And in May?"], caller=STRANGER)
    assert model.received == []
