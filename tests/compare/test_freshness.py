"""What systems say after documents have changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from copy_world import copied
from ragraft.access.labels import OWNER
from ragraft.compare.changes import Change, changes_with_uris, read_changes
from ragraft.compare.freshness import measure_freshness
from ragraft.compare.results import Damage, Freshness, Said
from ragraft.errors import ModelError, NotFoundError, UserError
from ragraft.protocols import System
from ragraft.systems import Workbench
from ragraft.types import Answer, Caller, Prompt, Question, SystemCard, Usage
from small_world import STRANGER, add, add_files, found

DOCUMENT = (
    "# Canteen\n\nThe soup costs 4 euros.\n\nThe canteen opens at 11 o'clock.\n\nThe secret spice is cumin.\n"
)
ROWS = [
    {
        "id": "price", "kind": "update", "document": "canteen.md", "old": "costs 4 euros", "new": "costs 5 euros",
        "question": "What does the soup cost?", "answer_before": "4 euros", "answer_after": "5 euros",
    },
    {
        "id": "spice", "kind": "delete", "document": "canteen.md", "old": "The secret spice is cumin.",
        "question": "Which spice is secret?", "answer_before": "cumin",
    },
    {
        "id": "bread", "kind": "add", "document": "canteen.md", "new": "Bread is free on Mondays.",
        "question": "When is bread free?", "answer_after": "on Mondays",
    },
]  # fmt: skip
OPENING = Question("opening", "When does the canteen open?", "11 o'clock", (), (), "")


class ScriptedSystem:
    """Answers from a function of the question; every text in `failing` fails, together and alone."""

    def __init__(self, say: Callable[[str], str], *, failing: Sequence[str] = ()) -> None:
        self.card = SystemCard("scripted", "plain", "fake", "0")
        self.say = say
        self.failing = failing

    def answer(self, question: str, *, caller: Caller, **_: object) -> Answer:
        if question in self.failing:
            raise ModelError("the model has gone")
        text = self.say(question)
        return Answer(text, not text, "", (), (), (), Prompt((), (), (), 0, 0), Usage(0, 0), self.card, {})

    def answer_many(self, questions: Sequence[str], *, caller: Caller) -> list[Answer]:
        return [self.answer(question, caller=caller) for question in questions]


class Facts:
    """What is so: answers by question, changed as the changes say."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self.now: dict[str, str] = {one.question: one.before.expected for one in changes}
        self.now[OPENING.text] = OPENING.expected

    def apply(self, change: Change) -> None:
        self.now[change.question] = change.now.expected


@pytest.fixture
def changes(tmp_path: Path) -> list[Change]:
    path = tmp_path / "changes.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return read_changes(path)


@pytest.fixture
def facts(changes: list[Change]) -> Facts:
    return Facts(changes)


def measure(
    systems: Mapping[str, System],
    changes: Sequence[Change],
    apply: Callable[[Change], None],
    *,
    untouched: Sequence[Question] = (OPENING,),
    said: Mapping[str, Sequence[Said]] | None = None,
    refresh: Mapping[str, float] | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Freshness, ...]:
    return measure_freshness(
        systems,
        changes,
        apply=apply,
        untouched=untouched,
        caller=OWNER,
        revision=lambda: "0",
        refresh_seconds=refresh or {},
        said=said,
        on_progress=on_progress,
    )


def test_a_system_that_looks_up_is_right_about_every_change(changes: list[Change], facts: Facts) -> None:
    (fresh,) = measure({"rag": ScriptedSystem(lambda asked: facts.now[asked])}, changes, facts.apply)
    assert [one.after for one in fresh.outcomes] == ["fresh", "refused", "fresh"]
    assert all(one.knew and one.right and one.seconds is not None for one in fresh.outcomes)
    assert fresh.right == 1


def test_a_system_that_remembers_is_stale_and_tells_what_was_deleted(
    changes: list[Change], facts: Facts
) -> None:
    learned = dict(facts.now)
    (fresh,) = measure(
        {"tuned": ScriptedSystem(learned.__getitem__)}, changes, facts.apply, refresh={"tuned": 90.0}
    )
    assert [one.after for one in fresh.outcomes] == ["stale", "told", "refused"]
    assert [one.seconds for one in fresh.outcomes] == [None, None, None]
    assert all(one.knew for one in fresh.outcomes)
    assert (fresh.right, fresh.refresh_seconds) == (0, 90.0)


def test_systems_are_told_apart_and_in_their_order(changes: list[Change], facts: Facts) -> None:
    learned = dict(facts.now)
    systems = {
        "tuned": ScriptedSystem(learned.__getitem__),
        "rag": ScriptedSystem(lambda asked: facts.now[asked]),
    }
    tuned, rag = measure(systems, changes, facts.apply)
    assert (tuned.system, rag.system) == ("tuned", "rag")
    assert (tuned.right, rag.right) == (0, 1)


def test_a_change_that_cannot_be_written_is_kept_with_its_reason(changes: list[Change], facts: Facts) -> None:
    def apply(change: Change) -> None:
        if change.id == "price":
            raise UserError("“costs 4 euros” does not stand in it")
        facts.apply(change)

    (fresh,) = measure({"rag": ScriptedSystem(lambda asked: facts.now[asked])}, changes, apply)
    assert fresh.not_applied == {"price": "“costs 4 euros” does not stand in it"}
    assert [one.change for one in fresh.outcomes] == ["spice", "bread"]


def test_a_failed_answer_is_an_outcome_with_its_reason(changes: list[Change], facts: Facts) -> None:
    system = ScriptedSystem(lambda asked: facts.now[asked], failing=[changes[0].question])
    (fresh,) = measure({"rag": system}, changes, facts.apply)
    first, *others = fresh.outcomes
    assert (first.after, first.text, first.knew, first.seconds) == (
        "failed",
        "ModelError: the model has gone",
        False,
        None,
    )
    assert all(one.right for one in others)


def test_what_is_right_only_after_a_later_change_is_timed_from_its_own_write(
    changes: list[Change], facts: Facts
) -> None:
    late = {change.question: change.before.expected for change in changes} | {OPENING.text: "11 o'clock"}

    def apply(change: Change) -> None:
        facts.apply(change)
        if change.id == "bread":
            late.update(facts.now)

    (fresh,) = measure({"slow": ScriptedSystem(late.__getitem__)}, changes, apply)
    assert fresh.right == 1
    assert fresh.outcomes[0].seconds is not None


def test_damage_counts_what_was_right_before_and_is_not_after(changes: list[Change], facts: Facts) -> None:
    wifi = Question("wifi", "What is the password?", "", (), (), "unanswerable")

    def apply(change: Change) -> None:
        facts.apply(change)
        facts.now[OPENING.text] = "at noon"

    facts.now[wifi.text] = "It is 1234."

    def say(asked: str) -> str:
        return "" if asked == wifi.text and facts.now[OPENING.text] == "at noon" else facts.now[asked]

    (fresh,) = measure({"rag": ScriptedSystem(say)}, changes, apply, untouched=[OPENING, wifi])
    assert fresh.damage == Damage(asked=2, before=1, after=1, lost=1, won=1)


def test_what_was_said_before_is_not_asked_again(changes: list[Change], facts: Facts) -> None:
    asked: list[str] = []
    steps: list[tuple[int, int]] = []

    def say(question: str) -> str:
        asked.append(question)
        return facts.now[question]

    (fresh,) = measure(
        {"rag": ScriptedSystem(say)},
        changes,
        facts.apply,
        said={"rag": [Said(OPENING.id, text="at noon")]},
        on_progress=lambda done, total: steps.append((done, total)),
    )

    assert asked.count(OPENING.text) == 1
    assert fresh.damage == Damage(asked=1, before=0, after=1, lost=0, won=1)
    assert steps[-1][0] == steps[-1][1]


def test_without_any_change_applied_there_are_no_shares(changes: list[Change], facts: Facts) -> None:
    def apply(_: Change) -> None:
        raise NotFoundError("there is no document 'canteen.md'")

    (fresh,) = measure({"rag": ScriptedSystem(lambda asked: facts.now[asked])}, changes, apply)
    assert (fresh.outcomes, fresh.right, fresh.write_seconds) == ((), None, 0.0)
    assert len(fresh.not_applied) == 3


def test_progress_ends_at_the_total(changes: list[Change], facts: Facts) -> None:
    steps: list[tuple[int, int]] = []

    def apply(change: Change) -> None:
        if change.id == "spice":
            raise UserError("not there")
        facts.apply(change)

    system = ScriptedSystem(lambda asked: facts.now[asked])
    measure({"rag": system}, changes, apply, on_progress=lambda done, total: steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_rag_over_a_copy_follows_every_kind_of_change(
    bench: Workbench, tmp_path: Path, changes: list[Change]
) -> None:
    add_files(bench, tmp_path / "docs", {"canteen.md": DOCUMENT}, "everyone")
    with copied(bench) as copy:
        (fresh,) = measure({"rag": copy.bench.rag}, changes, copy.apply)
    texts = {one.change: one.text for one in fresh.outcomes}
    assert "5 euros" in texts["price"]
    assert "cumin" not in texts["spice"]
    assert "on Mondays" in texts["bread"]
    assert fresh.not_applied == {}
    assert fresh.write_seconds > 0
    assert found(bench, "bread is free on Mondays", STRANGER) == ["canteen.md"]
    assert "4 euros" in bench.library.revision("canteen.md", caller=OWNER).text


def test_a_whole_document_can_go_and_another_come(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"canteen.md": DOCUMENT}, "everyone")
    path = tmp_path / "changes.jsonl"
    rows = [
        ROWS[1] | {"old": ""},
        ROWS[2]
        | {"document": "bread.md", "new": "# Bread\n\nBread is free on Mondays.", "groups": ["board"]},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    with copied(bench) as copy:
        for change in read_changes(path):
            copy.apply(change)
        assert found(copy.bench, "bread") == ["bread.md"]
        assert found(copy.bench, "bread", STRANGER) == []


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"document": "none.md"}, "there is no document 'none.md'"),
        ({"old": "costs 3 euros"}, "“costs 3 euros” does not stand in it"),
    ],
)
def test_a_change_that_does_not_fit_the_library_says_why(
    bench: Workbench, tmp_path: Path, other: dict[str, str], reason: str
) -> None:
    add_files(bench, tmp_path / "docs", {"canteen.md": DOCUMENT})
    path = tmp_path / "changes.jsonl"
    path.write_text(json.dumps(ROWS[0] | other))
    with copied(bench) as copy, pytest.raises(UserError, match=reason):
        copy.apply(read_changes(path)[0])


def test_an_addition_behind_a_place_needs_its_document(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"canteen.md": DOCUMENT})
    path = tmp_path / "changes.jsonl"
    path.write_text(json.dumps(ROWS[2] | {"document": "none.md", "after": "# Canteen"}))
    with copied(bench) as copy, pytest.raises(NotFoundError):
        copy.apply(read_changes(path)[0])


def test_all_changes_of_the_handbook_can_be_written(
    bench: Workbench, tmp_path: Path, shared_data: Path
) -> None:
    """One after another, each on what the ones before left; then the library finds the new text."""
    handbook = shared_data / "handbook"
    changes = read_changes(handbook / "changes.jsonl")
    for name in {change.document for change in changes}:
        target = tmp_path / "documents" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((handbook / "documents" / name).read_bytes())
    add(bench, tmp_path / "documents", "everyone")
    not_applied = {}
    with copied(bench) as copy:
        changes = changes_with_uris(changes, copy.bench.library.names(OWNER))
        for change in changes:
            try:
                copy.apply(change)
            except UserError as error:
                not_applied[change.id] = str(error)
        assert not_applied == {}
        for change in changes:
            text = copy.bench.library.revision(change.document, caller=OWNER).text
            assert change.new in text
            assert not change.old or change.old not in text or change.old in change.new
