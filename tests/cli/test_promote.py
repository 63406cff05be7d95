"""`ragraft promote` and `rollback`: what was measured, and nothing else, comes to answer, and goes again."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from adapter_world import PASSED, adapter
from promotion_world import arm, bare_report
from ragraft.access.labels import OWNER
from ragraft.answering import Answering
from ragraft.compare.report_file import write_report
from ragraft.compare.results import Arm, Report
from ragraft.models.fake import FakeChatModel, FakeEmbedder, FakeReader
from ragraft.promotion import Promotions
from ragraft.systems import SystemKind, Workbench
from ragraft.tune.export import SERVED
from ragraft.types import Source
from ragraft.workspace import find_workspace

Run = Callable[..., Any]
Change = Callable[[Report], Report]

QUESTION = "How many days of annual leave does every employee have?"
REPLY = "Every employee has thirty days of annual leave [1]."
FAILED = {"quality": {"passed": False, "value": -0.2, "interval": [-0.3, -0.1], "bar": 0.0}}


def opened() -> Workbench:
    """Open the workspace of the current folder as the commands do."""
    made = partial(Workbench, embedder=FakeEmbedder(), model=FakeChatModel(), reader=FakeReader())
    return made(find_workspace(None))


@pytest.fixture
def ready(ragraft: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line with two documents, and a scripted model behind every adapter."""
    monkeypatch.setattr("ragraft.answering.open_tuned_model", lambda *_, **__: FakeChatModel([REPLY]))
    ragraft("add", folder, "--group", "everyone")
    return ragraft


def make(
    name: str = "house",
    *,
    groups: tuple[str, ...] = ("everyone",),
    gates: Mapping[str, Any] = PASSED,
    made_from: tuple[str, ...] = (),
    forced: bool = False,
    instead: bool = False,
) -> None:
    """Make an adapter known, or put it in the place of the one that has its name."""
    with opened() as bench:
        draft = bench.workspace.state / "draft"
        draft.mkdir()
        (draft / SERVED).write_bytes(b"weights")
        made = adapter(
            name,
            path=draft,
            groups=frozenset(groups),
            gates=gates,
            forced=forced,
            made_from=tuple(Source(uri, 1) for uri in made_from),
        )
        if instead:
            made = replace(made, made_at=datetime.now(UTC) + timedelta(minutes=1))
        known = bench.adapters.replace if instead else bench.adapters.add
        known(made, read_at=bench.adapters.moment(), caller=OWNER)


def report(tmp_path: Path, *, change: Change = lambda made: made) -> Path:
    """Write a report of the workspace's systems as they are now."""
    kinds: tuple[SystemKind, ...] = ("rag", "tuned", "tuned_rag")
    with opened() as bench:
        arms = [measured(bench, kind, adapter="" if kind == "rag" else "house") for kind in kinds]
        library = Promotions(database=bench.database, audit=bench.audit).library()
    write_report(tmp_path / "report.json", change(bare_report(arms, library=library)))
    return tmp_path / "report.json"


def measured(bench: Workbench, kind: SystemKind, *, adapter: str) -> Arm:
    system = Answering(bench).system(kind, adapter=adapter or None, caller=OWNER)
    gates = bench.adapters.find(adapter, caller=OWNER).gates if adapter else {}
    return arm(kind, card=system.card, adapter=adapter, gates=gates)


def err(ragraft: Run) -> str:
    return str(ragraft.err)  # type: ignore[attr-defined]  # set by each call


def answering(ragraft: Run, *options: object) -> str:
    """Return the name of the system that answers."""
    return str(ragraft("ask", QUESTION, *options, "--json")["system"]["name"])


# Promoted


def test_what_is_promoted_answers(ready: Run, tmp_path: Path) -> None:
    make()
    assert answering(ready) == "rag"
    ready("promote", "tuned_rag", "--from", report(tmp_path))
    found = ready("ask", QUESTION, "--json")
    assert (found["system"]["name"], found["system"]["kind"]) == ("tuned_rag:house", "tuned_rag")
    assert [(one["document"], one["verdict"]) for one in found["citations"]] == [("leave.md", True)]


def test_a_talk_is_had_with_what_is_promoted(
    ready: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    ready("promote", "tuned", "--from", report(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{QUESTION}\n"))
    said = ready("chat", "--json", raw=True)
    assert json.loads(said)["system"]["name"] == "tuned:house"


def test_another_system_can_still_be_asked(ready: Run, tmp_path: Path) -> None:
    make()
    ready("promote", "tuned", "--from", report(tmp_path))
    assert answering(ready, "--system", "rag") == "rag"
    assert answering(ready, "--adapter", "house") == "tuned_rag:house"


def test_who_may_not_use_it_is_answered_by_rag_and_told_nothing(ready: Run, tmp_path: Path) -> None:
    make(groups=("staff",))
    ready("promote", "tuned_rag", "--from", report(tmp_path))
    assert answering(ready, "--as-group", "staff") == "tuned_rag:house"
    found = ready("ask", QUESTION, "--as-group", "guests", "--json")
    assert found["system"]["name"] == "rag"
    assert "promoted" not in json.dumps(found)
    assert "house" not in json.dumps(found) + err(ready)


def test_that_somebody_was_passed_over_is_on_record(ready: Run, tmp_path: Path) -> None:
    make(groups=("staff",))
    ready("promote", "tuned_rag", "--from", report(tmp_path))
    ready("ask", QUESTION, "--as-group", "guests")
    entries = ready("audit", "show", "--json")
    (entry,) = [one for one in entries if one["action"] == "promoted passed over"]
    assert entry["detail"] == {"system": "tuned_rag"}


def test_what_goes_out_of_service_is_replaced_by_rag_and_the_answer_says_so(
    ready: Run, tmp_path: Path
) -> None:
    make(made_from=("leave.md",))
    ready("promote", "tuned", "--from", report(tmp_path))
    ready("remove", "leave.md")
    found = ready("ask", QUESTION, "--as-group", "guests", "--json")
    assert found["system"]["name"] == "rag"
    assert found["reason"].startswith("the promoted system is out of service, so rag answered")
    assert "leave.md (removed)" not in found["reason"]
    assert "leave.md (removed)" in ready("ask", QUESTION, "--json")["reason"]


def test_a_removed_adapter_does_not_stop_questions(ready: Run, tmp_path: Path) -> None:
    make()
    ready("promote", "tuned", "--from", report(tmp_path))
    ready("adapters", "remove", "house")
    assert answering(ready) == "rag"
    now = ready("promote", "--json")["now"]
    assert (now["system"], now["in_service"], now["reason"]) == ("tuned", False, "its adapter was removed")


def test_a_promoted_adapter_that_is_trained_again_goes_on_answering(ready: Run, tmp_path: Path) -> None:
    make()
    ready("promote", "tuned_rag", "--from", report(tmp_path))
    make(instead=True)
    assert answering(ready) == "tuned_rag:house"
    assert ready("promote", "--json")["now"]["retrained"] is True
    assert "trained again since" in ready("promote")


def test_promoting_tells_what_answered_before_and_what_does_now(ready: Run, tmp_path: Path) -> None:
    make(groups=("staff",))
    found = ready("promote", "tuned", "--from", report(tmp_path), "--json")
    assert found["before"]["system"] == "rag"
    now = found["now"]
    assert (now["system"], now["kind"], now["adapter"], now["usable_by"]) == (
        "tuned",
        "tuned",
        "house",
        "staff",
    )
    assert (now["in_service"], now["forced"], now["promoted_by"]) == (True, False, "owner")


def test_a_choice_that_is_not_the_reports_is_let_through_with_a_remark(ready: Run, tmp_path: Path) -> None:
    make()
    ready("promote", "rag", "--from", report(tmp_path))
    assert "The report says: Use tuned_rag." in err(ready)


# Refused


@pytest.fixture
def refused(ready: Run, tmp_path: Path) -> Callable[..., str]:
    """Try to promote tuned_rag and return what is said against it; nothing may be promoted afterwards."""

    def attempt(path: Path, *options: object, system: str = "tuned_rag") -> str:
        ready("promote", system, "--from", path, *options, code=2)
        said = err(ready)
        assert ready("promote", "--json")["history"] == []
        return said

    return attempt


def test_a_system_that_failed_gates_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    make(gates=FAILED, forced=True)
    said = refused(report(tmp_path))
    assert "tuned_rag is not to be promoted: it did not pass: quality" in said
    assert "--force" in said


def test_a_system_that_the_report_excludes_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    make()

    def exclude(made: Report) -> Report:
        return replace(made, verdict=replace(made.verdict, excluded={"tuned_rag": "it gave 2 secrets away"}))

    assert "the report excludes it: it gave 2 secrets away" in refused(report(tmp_path, change=exclude))


def test_force_promotes_what_failed_gates_and_goes_on_record(ready: Run, tmp_path: Path) -> None:
    make(gates=FAILED, forced=True)
    ready("promote", "tuned_rag", "--from", report(tmp_path), "--force")
    assert answering(ready) == "tuned_rag:house"
    assert ready("promote", "--json")["now"]["forced"] is True
    (entry,) = [one for one in ready("audit", "show", "--json") if one["action"] == "promoted"]
    assert entry["detail"]["forced"] is True


def test_force_that_was_not_needed_is_not_on_record(ready: Run, tmp_path: Path) -> None:
    make()
    assert ready("promote", "rag", "--from", report(tmp_path), "--force", "--json")["now"]["forced"] is False


@pytest.mark.parametrize("options", [[], ["--force"]], ids=["plainly", "by force"])
class TestNoForceHelps:
    def test_against_an_adapter_that_is_out_of_service(
        self, ready: Run, refused: Callable[..., str], tmp_path: Path, options: list[str]
    ) -> None:
        make(made_from=("leave.md",))
        path = report(tmp_path)
        ready("erase", "leave.md", "--yes")
        assert "the adapter house is out of service" in refused(path, *options)

    def test_against_an_adapter_that_is_gone(
        self, ready: Run, refused: Callable[..., str], tmp_path: Path, options: list[str]
    ) -> None:
        make()
        path = report(tmp_path)
        ready("adapters", "remove", "house")
        assert "there is no adapter 'house'" in refused(path, *options)

    def test_against_an_adapter_that_has_been_replaced(
        self, refused: Callable[..., str], tmp_path: Path, options: list[str]
    ) -> None:
        make()
        path = report(tmp_path)
        make(instead=True)
        said = refused(path, *options)
        assert "tuned_rag is not what was measured: the adapter house has been replaced since" in said
        assert "ragraft compare" in said

    def test_against_gates_that_are_not_those_of_the_adapter(
        self, refused: Callable[..., str], tmp_path: Path, options: list[str]
    ) -> None:
        def better(made: Report) -> Report:
            gates = {"quality": {**PASSED["quality"], "value": 0.3}}
            return replace(made, arms=tuple(replace(one, gates=one.gates and gates) for one in made.arms))

        make()
        assert "has been replaced since" in refused(report(tmp_path, change=better), *options)

    @pytest.mark.parametrize("library", ["another", ""])
    def test_against_a_report_of_another_library(
        self, refused: Callable[..., str], tmp_path: Path, options: list[str], library: str
    ) -> None:
        make()
        path = report(tmp_path, change=lambda made: replace(made, library=library))
        assert "the report is of another library" in refused(path, *options)

    def test_against_other_settings(
        self, refused: Callable[..., str], tmp_path: Path, options: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make()
        path = report(tmp_path)
        monkeypatch.setenv("RAGRAFT_ANSWER_PASSAGES", "3")
        assert "the settings or the models beside it have changed since" in refused(path, *options)

    def test_against_another_model(
        self, refused: Callable[..., str], tmp_path: Path, options: list[str]
    ) -> None:
        def renamed(made: Report) -> Report:
            arms = (replace(one, card=replace(one.card, model="large")) for one in made.arms)
            return replace(made, arms=tuple(arms))

        make()
        said = refused(report(tmp_path, change=renamed), *options, system="rag")
        assert "its model was large and is fake-chat" in said

    def test_against_a_stranger(
        self, refused: Callable[..., str], tmp_path: Path, options: list[str]
    ) -> None:
        def stranger(made: Report) -> Report:
            (one, *_) = made.arms
            return replace(made, arms=(replace(one, name="other", card=replace(one.card, kind="stranger")),))

        make()
        said = refused(report(tmp_path, change=stranger), *options, system="other")
        assert "other is a model at an address" in said


def test_a_system_that_the_report_does_not_have_is_an_error(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    make()
    said = refused(report(tmp_path), system="raft")
    assert "the report has no system 'raft'" in said
    assert "it compares rag, tuned, tuned_rag" in said


def test_a_file_that_is_no_report_is_an_error(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{}")
    assert "no report" in refused(tmp_path / "notes.json")


@pytest.mark.parametrize("arguments", [["rag"], ["--from", "report.json"]])
def test_a_system_and_a_report_go_together(ready: Run, tmp_path: Path, arguments: list[str]) -> None:
    Path("report.json").write_text("{}")
    ready("promote", *arguments, code=2)
    assert "go together" in err(ready)


def test_the_same_promotion_twice_is_an_error(ready: Run, tmp_path: Path) -> None:
    make()
    path = report(tmp_path)
    ready("promote", "tuned", "--from", path)
    ready("promote", "tuned", "--from", path, code=2)
    assert "tuned is promoted already" in err(ready)


def test_only_the_owner_promotes_rolls_back_and_sees_the_history(ready: Run, tmp_path: Path) -> None:
    make()
    path = report(tmp_path)
    for command in (["promote", "rag", "--from", path], ["rollback"], ["promote"]):
        ready(*command, "--as-group", "everyone", code=2)
        assert "only the owner" in err(ready)


# Back


def test_rollback_goes_back_one_by_one_and_ends_at_rag(ready: Run, tmp_path: Path) -> None:
    make()
    path = report(tmp_path)
    ready("promote", "tuned_rag", "--from", path)
    ready("promote", "tuned", "--from", path)
    steps = [ready("rollback", "--json") for _ in range(2)]
    assert [(one["before"]["system"], one["now"]["system"]) for one in steps] == [
        ("tuned", "tuned_rag"),
        ("tuned_rag", "rag"),
    ]
    assert answering(ready) == "rag"
    ready("rollback", code=2)
    assert "nothing is promoted: rag answers" in err(ready)


def test_rollback_takes_effect_at_once(ready: Run, tmp_path: Path) -> None:
    make()
    ready("promote", "tuned", "--from", report(tmp_path))
    ready("rollback")
    assert answering(ready) == "rag"


def test_the_history_keeps_what_was_taken_back(ready: Run, tmp_path: Path) -> None:
    make()
    path = report(tmp_path)
    ready("promote", "tuned", "--from", path)
    ready("rollback")
    ready("promote", "tuned_rag", "--from", path)
    first, second = ready("promote", "--json")["history"]
    assert (first["system"], first["back_by"], second["system"], second["back_by"]) == (
        "tuned", "owner", "tuned_rag", None,
    )  # fmt: skip
    assert len(first["report"]) == 64
    shown = ready("promote")
    assert shown.startswith("answers: tuned_rag (adapter house), promoted ")
    assert "by owner" in shown


def test_promotion_and_rollback_are_on_record(ready: Run, tmp_path: Path) -> None:
    make()
    ready("promote", "tuned", "--from", report(tmp_path))
    ready("rollback")
    entries = [(one["action"], one["detail"]) for one in ready("audit", "show", "--json")]
    promoted = next(detail for action, detail in entries if action == "promoted")
    assert (promoted["system"], promoted["adapter"], len(promoted["report"])) == ("tuned", "house", 64)
    assert ("rolled back", {"system": "tuned", "to": "rag"}) in entries


# Told


def test_status_tells_the_owner_what_answers_and_nobody_else(ready: Run, tmp_path: Path) -> None:
    make()
    assert ready("status", "--json")["answers"] == "rag"
    ready("promote", "tuned", "--from", report(tmp_path))
    assert ready("status", "--json")["answers"].startswith("tuned (adapter house), promoted ")
    assert "tuned (adapter house)" in ready("status")
    assert ready("status", "--as-group", "staff", "--json")["answers"] == ""
    assert "answers" not in ready("status", "--as-group", "staff")


def test_doctor_finds_a_promoted_system_that_is_out_of_service(ready: Run, tmp_path: Path) -> None:
    make(made_from=("leave.md",))
    ready("promote", "tuned", "--from", report(tmp_path))
    ready("remove", "leave.md")
    (check,) = [one for one in ready("doctor", "--json", code=1)["checks"] if one["name"] == "answers"]
    assert check["ok"] is False
    assert check["detail"].startswith("rag, for tuned (adapter house), promoted ")
    assert "leave.md (removed)" in check["detail"]
    assert "ragraft rollback" in check["hint"]
