"""Which adapters are stale: each measure on a small library."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from adapter_world import adapter, add_adapter, draft_folder, registry_of
from ragraft.access.labels import OWNER
from ragraft.errors import NotAllowedError
from ragraft.systems import Workbench
from ragraft.tune.due import Bars, Measure, Staleness, find_stale
from ragraft.tune.store import Candidate, ExampleStore
from ragraft.types import AccessLabel, Dataset, Example, Message, Source, Vectors
from small_world import add_files, member

BARS = Bars(changed=0.1, new=0.2, days=90, drift=0.25)
MADE = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOPICS = {"castors": (1.0, 0.0), "brakes": (0.9, 0.436), "soup": (0.0, 1.0)}


def embed(texts: Sequence[str]) -> Vectors:
    """Each text as its topic's vector: brakes are near to castors, soup is far from both."""
    return np.array([TOPICS[text.split()[0]] for text in texts], dtype=np.float32)


def never(_texts: Sequence[str]) -> Vectors:
    raise AssertionError("nothing is to be embedded")


def stale(
    bench: Workbench, *, asked: Sequence[str] = (), now: datetime = MADE, embed: object = never
) -> Staleness:
    (found,) = find_stale(
        registry=registry_of(bench),
        store=store(bench),
        embed=embed,  # type: ignore[arg-type]  # one of two functions
        bars=BARS,
        now=now,
        caller=OWNER,
        asked=asked,
    )
    return found


def measure(found: Staleness, kind: str) -> Measure:
    return next(one for one in found.measures if one.kind == kind)


def store(bench: Workbench) -> ExampleStore:
    return ExampleStore(database=bench.database, audit=bench.audit)


def teach(bench: Workbench, *questions: str, kind: str = "question", group: str = "") -> list[Example]:
    """Keep examples and return them; each is a group of its own unless one is given."""
    candidates = [
        Candidate(kind, (Message("user", text), Message("assistant", "So.")), group or text, (), text, "f", 1)
        for text in questions
    ]
    store(bench).add(candidates, groups=None, caller=OWNER)
    return [one for one in store(bench).trainable(OWNER) if one.messages[0].content in questions]


def learn(bench: Workbench, train: Sequence[Example], held_out: Sequence[Example] = ()) -> None:
    """Make an adapter known that learned from some examples."""
    registry = registry_of(bench)
    dataset = Dataset(tuple(train), tuple(held_out), "f00d", AccessLabel())
    made = adapter(path=draft_folder(bench))
    registry.add(made, read_at=registry.moment(), caller=OWNER, dataset=dataset)


def some(topic: str, count: int, of: str = "") -> list[str]:
    return [f"{topic} {of} {number}?" for number in range(count)]


def learned_about_castors(bench: Workbench) -> None:
    """Make an adapter known to which the distance between castors and brakes is usual."""
    learn(bench, teach(bench, *some("castors", 20), group="a"), teach(bench, *some("brakes", 20), group="b"))


def test_a_new_adapter_is_fresh(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nOne."}, "everyone")
    add_adapter(bench, "a.md")
    assert stale(bench).reasons == ()


def test_all_adapters_are_told_by_name_the_fresh_ones_too(bench: Workbench) -> None:
    add_adapter(bench, name="b")
    add_adapter(bench, name="a")
    found = find_stale(
        registry=registry_of(bench), store=store(bench), embed=never, bars=BARS, now=MADE, caller=OWNER
    )
    assert [one.adapter for one in found] == ["a", "b"]


def test_nobody_but_the_owner_is_told(bench: Workbench) -> None:
    with pytest.raises(NotAllowedError):
        find_stale(
            registry=registry_of(bench),
            store=store(bench),
            embed=never,
            bars=BARS,
            now=MADE,
            caller=member("staff"),
        )


def test_a_tainted_adapter_is_due_and_the_document_named(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nOne."}, "everyone")
    add_adapter(bench, "a.md")
    bench.library.remove("a.md", caller=OWNER)
    (reason,) = stale(bench).reasons
    assert (reason.kind, reason.value, reason.documents) == ("tainted", 1, ("a.md (removed)",))


def test_the_share_of_documents_with_newer_revisions_is_a_reason(bench: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    names = [f"{letter}.md" for letter in "abcd"]
    add_files(bench, docs, {name: f"# {name}\n\nOne." for name in names}, "everyone")
    add_adapter(bench, *names)
    add_files(bench, docs, {"b.md": "# B\n\nTwo."})
    (reason,) = stale(bench).reasons
    assert (reason.kind, reason.value, reason.bar, reason.documents) == ("changed", 0.25, 0.1, ("b.md",))


def test_a_value_at_its_bar_is_no_reason(bench: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    names = [f"{number}.md" for number in range(10)]
    add_files(bench, docs, {name: f"# {name}\n\nOne." for name in names}, "everyone")
    add_adapter(bench, *names)
    add_files(bench, docs, {"3.md": "# B\n\nTwo."})
    found = stale(bench)
    assert (measure(found, "changed").value, found.reasons) == (0.1, ())


def test_what_was_made_from_no_document_cannot_change(bench: Workbench) -> None:
    add_adapter(bench)
    assert measure(stale(bench), "changed").value is None


def test_the_share_of_examples_added_since_is_a_reason(bench: Workbench) -> None:
    learn(bench, teach(bench, *some("castors", 3)))
    teach(bench, "soup of today?")
    (reason,) = stale(bench).reasons
    assert (reason.kind, reason.value) == ("new", 0.25)


def test_what_an_adapter_would_not_be_trained_on_is_not_new(bench: Workbench) -> None:
    learn(bench, teach(bench, "castors learned?"))
    teach(bench, "castors for the owner alone?")
    (found,) = find_stale(
        registry=registry_of(bench),
        store=store(bench),
        embed=never,
        bars=BARS,
        now=MADE,
        caller=OWNER,
        reader_of=lambda _: member("staff"),
    )
    assert measure(found, "new").value is None


def test_what_was_left_out_of_the_training_is_not_new(bench: Workbench) -> None:
    teach(bench, "castors left out?")
    learn(bench, teach(bench, "castors learned?"))
    assert measure(stale(bench), "new").value == 0


def test_an_example_of_a_removed_document_is_not_new(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nOne."})
    learn(bench, teach(bench, "castors learned?"))
    messages = (Message("user", "castors?"), Message("assistant", "So."))
    store(bench).add(
        [Candidate("question", messages, "r", ("a.md",), "r", "f", 1)], groups=None, caller=OWNER
    )
    before = measure(stale(bench), "new").value
    bench.library.remove("a.md", caller=OWNER)
    assert (before, measure(stale(bench), "new").value) == (0.5, 0)


def test_age_is_a_reason(bench: Workbench) -> None:
    add_adapter(bench)
    young = stale(bench, now=MADE + timedelta(days=90))
    old = stale(bench, now=MADE + timedelta(days=91))
    assert [reason.kind for one in (young, old) for reason in one.reasons] == ["age"]


def test_questions_that_have_moved_away_are_a_reason(bench: Workbench) -> None:
    learned_about_castors(bench)
    teach(bench, *some("soup", 30), *some("brakes", 20, "again"))
    drift = measure(stale(bench, embed=embed), "drift")
    assert (drift.value, drift.due) == (pytest.approx(30 / 50), True)


def test_a_drift_that_may_be_chance_is_no_reason(bench: Workbench) -> None:
    learned_about_castors(bench)
    teach(bench, *some("soup", 7), *some("brakes", 13, "again"))
    drift = measure(stale(bench, embed=embed), "drift")
    assert (drift.value, drift.due) == (pytest.approx(7 / 20), False)
    assert drift.told.endswith("that may be chance")


def test_questions_that_have_come_nearer_have_not_moved_away(bench: Workbench) -> None:
    learned_about_castors(bench)
    teach(bench, *some("castors", 30, "again"))
    assert measure(stale(bench, embed=embed), "drift").value == 0


def test_questions_as_far_off_as_documents_are_from_each_other_have_not_moved(bench: Workbench) -> None:
    learned_about_castors(bench)
    teach(bench, *some("brakes", 30, "again"))
    assert measure(stale(bench, embed=embed), "drift").value == 0


def test_questions_of_a_file_are_measured_in_place_of_new_examples(bench: Workbench) -> None:
    learned_about_castors(bench)
    teach(bench, *some("castors", 30, "again"))
    assert measure(stale(bench, asked=some("soup", 20), embed=embed), "drift").value == 1


@pytest.mark.parametrize(("learned", "asked"), [(19, 20), (20, 19)])
def test_of_too_few_questions_drift_is_not_measured_and_that_is_said(
    bench: Workbench, learned: int, asked: int
) -> None:
    learn(bench, teach(bench, *some("castors", learned)))
    drift = measure(stale(bench, asked=some("soup", asked)), "drift")
    assert (drift.value, drift.due) == (None, False)
    assert drift.told.startswith("19 ")


def test_of_one_document_drift_is_not_measured(bench: Workbench) -> None:
    learn(bench, teach(bench, *some("castors", 20), group="a"))
    drift = measure(stale(bench, asked=some("soup", 20), embed=embed), "drift")
    assert (drift.value, drift.told) == (None, "all that it learned is of one document")


def test_terms_are_no_questions_of_users(bench: Workbench) -> None:
    learned_about_castors(bench)
    teach(bench, *some("soup", 30), kind="term")
    assert measure(stale(bench), "drift").value is None


def test_drift_cannot_be_measured_when_what_was_learned_is_gone(bench: Workbench) -> None:
    train = teach(bench, "castors learned?")
    learn(bench, train, teach(bench, *some("brakes", 20)))
    store(bench).remove(caller=OWNER, name=train[0].id)
    drift = measure(stale(bench, asked=some("soup", 20)), "drift")
    assert (drift.value, drift.told) == (None, "0 learned questions, 20 are the fewest")


def test_an_adapter_of_two_revisions_saw_one_document(bench: Workbench, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    for text in ("One.", "Two."):
        add_files(bench, docs, {"a.md": f"# A\n\n{text}"}, "everyone")
    registry = registry_of(bench)
    made = adapter(path=draft_folder(bench), made_from=(Source("a.md", 1), Source("a.md", 2)))
    registry.add(made, read_at=registry.moment(), caller=OWNER)
    add_files(bench, docs, {"a.md": "# A\n\nThree."})
    assert measure(stale(bench), "changed").value == 1
