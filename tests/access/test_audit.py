"""The audit: what is entered, and that no entry can be changed, inserted or cut unseen."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ragraft.access.audit import AuditLog
from ragraft.access.labels import OWNER
from ragraft.errors import NotFoundError, WorkspaceError
from ragraft.systems import Workbench
from ragraft.types import Caller
from small_world import STRANGER, add, add_files, dsn_of, own_library


@pytest.fixture(scope="module")
def saved_chain(
    server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workbench, dict[Path, bytes]]]:
    """A workspace whose audit has six sealed entries, with a copy of them and of the key and the seal."""
    with own_library(server_dsn, template, tmp_path_factory.mktemp("chain")) as bench:
        for number in range(6):
            bench.audit.record(OWNER, "searched", {"returned": [number], "denied": []})
        tamper(bench, "create table saved as table audit")
        yield bench, {path: path.read_bytes() for path in bench.workspace.state.glob("audit.*")}


@pytest.fixture
def chain(saved_chain: tuple[Workbench, dict[Path, bytes]]) -> Workbench:
    """The workspace, put back to its six entries."""
    bench, files = saved_chain
    tamper(bench, "truncate audit", "insert into audit table saved")
    for path, content in files.items():
        path.write_bytes(content)
    return bench


def tamper(bench: Workbench, *statements: str) -> None:
    """Change the audit as somebody does who owns the database but has not the audit's key."""
    with psycopg.connect(dsn_of(bench), options="-c search_path=ragraft") as connection:
        connection.execute("alter table audit disable trigger user")
        for statement in statements:
            connection.execute(sql.SQL(statement))
        connection.execute("alter table audit enable trigger user")


def entries(bench: Workbench) -> list[tuple[str, dict[str, object]]]:
    return [(entry.action, dict(entry.detail)) for entry in bench.audit.entries()]


# What is entered


def test_a_write_is_entered_with_number_revision_and_groups(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nOne thing."}, "staff")
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nAnother thing."}, "staff")
    add(bench, tmp_path / "docs", "board")
    (tmp_path / "docs" / "a.md").unlink()
    add(bench, tmp_path / "docs")
    number = entries(bench)[0][1]["document"]
    assert entries(bench) == [
        ("added", {"document": number, "revision": 1, "groups": ["staff"]}),
        ("replaced", {"document": number, "revision": 2, "groups": ["staff"]}),
        ("relabelled", {"document": number, "groups": ["board"]}),
        ("removed", {"document": number}),
    ]


def test_a_removal_by_hand_is_entered(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nOne thing."})
    bench.library.remove("a.md", caller=OWNER)
    assert entries(bench)[-1] == ("removed", {"document": entries(bench)[0][1]["document"]})


def test_a_search_is_entered_with_what_was_returned_and_what_was_denied(
    bench: Workbench, tmp_path: Path
) -> None:
    add_files(bench, tmp_path / "open", {"a.md": "# Menu\n\nSoup on Monday."}, "everyone")
    add_files(bench, tmp_path / "closed", {"b.md": "# Pay\n\nSalaries of the board."}, "board")
    numbers = [detail["document"] for _, detail in entries(bench)]
    bench.retriever.retrieve("salaries of the board", limit=5, caller=STRANGER)
    last = bench.audit.entries(limit=1)[0]
    assert (last.action, last.caller) == ("searched", "stranger")
    assert last.detail == {"returned": [numbers[0]], "denied": [numbers[1]]}


def test_showing_is_entered_whether_returned_denied_or_absent(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "closed", {"b.md": "# Pay\n\nSalaries of the board."}, "board")
    number = entries(bench)[0][1]["document"]
    bench.library.revision("b.md", caller=OWNER)
    for uri in ("b.md", "nothing.md"):
        with pytest.raises(NotFoundError):
            bench.library.revision(uri, caller=STRANGER)
    assert entries(bench)[1:] == [
        ("shown", {"returned": [number], "revision": 1}),
        ("shown", {"returned": [], "denied": [number]}),
        ("shown", {"returned": [], "denied": []}),
    ]
    assert [entry.caller for entry in bench.audit.entries(limit=2)] == ["stranger", "stranger"]


def test_a_text_read_for_a_citation_is_entered(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "closed", {"b.md": "# Pay\n\nSalaries of the board."}, "board")
    number = entries(bench)[0][1]["document"]
    bench.library.revision_text("b.md", 1, caller=OWNER)
    with pytest.raises(NotFoundError):
        bench.library.revision_text("b.md", 1, caller=STRANGER)
    assert entries(bench)[1:] == [
        ("shown", {"returned": [number], "revision": 1}),
        ("shown", {"returned": [], "denied": [number]}),
    ]


def test_a_list_is_entered_with_what_was_on_it(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "closed", {"b.md": "# Pay\n\nSalaries of the board."}, "board")
    number = entries(bench)[0][1]["document"]
    bench.library.documents(OWNER)
    bench.library.documents(STRANGER)
    assert entries(bench)[1:] == [("listed", {"returned": [number]}), ("listed", {"returned": []})]


def test_an_unchanged_document_makes_no_entry(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", {"a.md": "# A\n\nOne thing."})
    before = len(entries(bench))
    add(bench, tmp_path / "docs")
    assert len(entries(bench)) == before


def test_no_text_title_uri_or_query_is_in_an_entry(bench: Workbench, dsn: str, tmp_path: Path) -> None:
    words = {"Quokka", "zirconium", "marmalade", "tangerine"}
    add_files(bench, tmp_path, {"tangerine.md": "# Quokka\n\nA tale of zirconium."}, "staff")
    bench.retriever.retrieve("marmalade and zirconium", limit=5, caller=STRANGER)
    bench.rag.answer("marmalade and zirconium?", caller=OWNER)
    bench.library.revision("tangerine.md", caller=OWNER)
    bench.library.documents(OWNER)
    bench.library.remove("tangerine.md", caller=OWNER)
    bench.eraser.erase("tangerine.md", caller=OWNER)
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("select audit::text from ragraft.audit audit").fetchall()
    assert not [word for word in words for (row,) in rows if word.casefold() in row.casefold()]
    assert len(rows) == 8


def test_an_action_that_is_rolled_back_leaves_no_entry(chain: Workbench) -> None:
    with pytest.raises(ZeroDivisionError), chain.audit.transaction(OWNER) as (_, audit):
        audit.append("added", {"document": 1})
        raise ZeroDivisionError
    assert len(entries(chain)) == 6
    assert chain.audit.verify().faults == ()


# What verify sees


TAMPERINGS = {
    "the detail edited": ["update audit set detail = replace(detail, '3', '4') where number = 4"],
    "the caller edited": ["update audit set caller = 'somebody else' where number = 2"],
    "the time edited": ["update audit set at = at - interval '1 microsecond' where number = 2"],
    "the action edited": ["update audit set action = 'listed' where number = 2"],
    "the digest edited": ["update audit set digest = sha256(digest) where number = 6"],
    "a row in the middle deleted": ["delete from audit where number = 3"],
    "a row deleted and the gap closed": [
        "delete from audit where number = 3",
        "update audit set number = number - 1 where number > 3",
    ],
    "the first row deleted": ["delete from audit where number = 1"],
    "the tail cut by one": ["delete from audit where number = 6"],
    "the tail cut by many": ["delete from audit where number > 2"],
    "everything truncated": ["truncate audit"],
    "a row inserted before the first": ["insert into audit select 0, at, caller, action, detail, previous, digest"
                                        " from audit where number = 1"],
    "a row inserted at the end": ["insert into audit select 7, at, caller, action, detail, digest, sha256(digest)"
                                  " from audit where number = 6"],
    "two rows swapped": [
        "update audit set number = -1 where number = 3",
        "update audit set number = 3 where number = 4",
        "update audit set number = 4 where number = -1",
    ],
    "the contents of two rows swapped": [
        "update audit a set detail = b.detail, digest = b.digest from audit b"
        " where a.number + b.number = 7 and a.number in (3, 4)"
    ],
    "a chain re-signed without the key": [
        "update audit set caller = 'nobody' where number = 5",
        "update audit set digest = sha256(previous || detail::bytea) where number = 5",
        "update audit set previous = (select digest from audit where number = 5) where number = 6",
        "update audit set digest = sha256(previous || detail::bytea) where number = 6",
    ],
    "the tail cut and written anew": [
        "delete from audit where number = 6",
        "insert into audit select 6, now(), caller, action, '{}', digest, sha256(digest) from audit"
        " where number = 5",
    ],
}  # fmt: skip


def test_an_untouched_chain_has_no_fault(chain: Workbench) -> None:
    report = chain.audit.verify()
    assert (report.entries, report.faults) == (6, ())


@pytest.mark.parametrize("what", TAMPERINGS)
def test_verify_reports(what: str, chain: Workbench) -> None:
    tamper(chain, *TAMPERINGS[what])
    assert chain.audit.verify().faults


def test_a_cut_tail_stays_visible_when_new_entries_have_taken_its_numbers(chain: Workbench) -> None:
    tamper(chain, "delete from audit where number > 4")
    for _ in range(5):
        chain.audit.record(OWNER, "listed", {"returned": []})
    assert chain.audit.verify().faults == ("entry 6 is not the one that was sealed",)


def test_a_truncated_chain_stays_visible_when_a_longer_one_has_been_written(chain: Workbench) -> None:
    tamper(chain, "truncate audit")
    for _ in range(8):
        chain.audit.record(OWNER, "listed", {"returned": []})
    assert chain.audit.verify().faults == ("entry 6 is not the one that was sealed",)


@pytest.mark.parametrize("damage", [Path.unlink, lambda seal: seal.write_text("not a seal")])
def test_a_missing_or_damaged_seal_is_a_fault_that_later_entries_do_not_cover(
    damage: Callable[[Path], None], chain: Workbench
) -> None:
    damage(chain.workspace.state / "audit.seal")
    chain.audit.record(OWNER, "listed", {"returned": []})
    (fault,) = chain.audit.verify().faults
    assert "missing or damaged" in fault


def test_entries_committed_but_not_yet_sealed_are_no_fault(chain: Workbench) -> None:
    seal = chain.workspace.state / "audit.seal"
    before = seal.read_text()
    chain.audit.record(OWNER, "listed", {"returned": []})
    seal.write_text(before)
    assert chain.audit.verify().faults == ()


def test_the_key_of_another_workspace_neither_verifies_nor_appends(chain: Workbench) -> None:
    (chain.workspace.state / "audit.key").write_text("00" * 32)
    with pytest.raises(WorkspaceError, match="another workspace"):
        chain.audit.verify()
    with pytest.raises(WorkspaceError, match="another workspace"):
        chain.audit.record(OWNER, "listed", {})


def test_a_damaged_key_is_an_error_that_names_the_file(chain: Workbench) -> None:
    (chain.workspace.state / "audit.key").write_text("no key")
    with pytest.raises(WorkspaceError, match=r"audit\.key"):
        chain.audit.record(OWNER, "listed", {})


def test_the_key_is_for_its_owner_alone(chain: Workbench) -> None:
    assert stat.S_IMODE((chain.workspace.state / "audit.key").stat().st_mode) == 0o600


# What the database refuses


CHANGES = ["update audit set caller = 'x'", "delete from audit", "truncate audit"]


@pytest.mark.parametrize("statement", CHANGES)
def test_the_login_role_cannot_change_the_audit(statement: str, chain: Workbench) -> None:
    with chain.database.administration() as connection:
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute(statement.encode())


@pytest.mark.parametrize("caller", [OWNER, STRANGER])
@pytest.mark.parametrize(
    "statement",
    [*CHANGES, "update audit_key set fingerprint = 'x'", "delete from audit_key", "truncate audit_key"],
)
def test_no_caller_may_change_the_audit(statement: str, caller: Caller, chain: Workbench) -> None:
    with chain.database.transaction(caller) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(statement.encode())


# Many at once


def test_entries_from_many_threads_make_one_whole_chain(open_bench: Callable[[], Workbench]) -> None:
    benches = [open_bench(), open_bench()]

    def append(number: int) -> None:
        benches[number % 2].audit.record(OWNER, "listed", {"returned": [number]})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(append, range(40)))
    report = benches[0].audit.verify()
    assert (report.entries, report.faults) == (40, ())
    assert sorted(detail["returned"][0] for _, detail in entries(benches[0])) == list(range(40))


def test_threads_that_make_the_key_at_once_agree_on_one(bench: Workbench, tmp_path: Path) -> None:
    for attempt in range(20):
        logs = [AuditLog(database=bench.database, folder=tmp_path / str(attempt)) for _ in range(4)]
        with ThreadPoolExecutor(4) as threads:
            keys = set(threads.map(AuditLog._key, logs))
        assert keys == {bytes.fromhex((tmp_path / str(attempt) / "audit.key").read_text())}


def test_the_last_entries_come_oldest_first(chain: Workbench) -> None:
    assert [entry.number for entry in chain.audit.entries(limit=2)] == [5, 6]


def test_an_entry_holds_any_text_as_it_is(chain: Workbench) -> None:
    detail = {"groups": ['quote" back\\slash, comma {brace} \u2028 Ünïcode 🦘']}
    chain.audit.record(Caller("o'\"\\ö"), "added", detail)
    assert dict(chain.audit.entries(limit=1)[0].detail) == detail
    assert chain.audit.verify().faults == ()
