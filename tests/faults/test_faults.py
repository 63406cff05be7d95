"""Things that go wrong around ragraft: killed, full, hostile, huge, concurrent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pypdf
import pytest
from fpdf import FPDF

from ragraft.access.audit import AuditLog
from ragraft.access.labels import OWNER, AccessRules
from ragraft.config import Settings
from ragraft.database.embedded import EmbeddedServer
from ragraft.documents.formats.kinds import DOCUMENT_SUFFIXES
from ragraft.documents.sync import SyncReport
from ragraft.errors import RagraftError
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench
from ragraft.workspace import Workspace, create_workspace

ADDER = Path(__file__).with_name("adder.py")
WORDS = [
    "pump",
    "valve",
    "seal",
    "motor",
    "invoice",
    "contract",
    "supplier",
    "holiday",
    "budget",
    "audit",
    "safety",
    "crane",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    root.mkdir()
    return root


def add(bench: Workbench, folder: Path) -> SyncReport:
    return bench.sync.add_path(folder, rules=AccessRules(), caller=OWNER)


def write_documents(folder: Path, *, count: int, version: int) -> None:
    for number in range(count):
        draw = random.Random(f"{number}.{version}")
        paragraphs = [" ".join(draw.choices(WORDS, k=60)) + "." for _ in range(12)]
        text = f"# Page {number}\n\nVersion {version}.\n\n" + "\n\n".join(paragraphs)
        (folder / f"page-{number:02}.md").write_text(text)


def assert_whole(dsn: str, folder: Path, versions: set[int]) -> int:
    """Check that every visible document is entirely one version, and return how many there are."""
    with psycopg.connect(dsn, options="-c search_path=ragraft,public -c ragraft.owner=on") as connection:
        rows = connection.execute(
            "select d.uri, d.chunks, r.text,"
            " (select count(*) from chunk c where c.document = d.id and c.revision = d.revision),"
            " (select count(*) from chunk c where c.document = d.id),"
            " (select count(*) from chunk_vector c where c.document = d.id),"
            " (select count(*) from chunk_terms c where c.document = d.id),"
            " (select count(*) from revision v where v.document = d.id and v.valid_to is null)"
            " from document d join revision r on (r.document, r.number) = (d.id, d.revision)"
        ).fetchall()
        counted = connection.execute("select coalesce(sum(chunks), 0) from language_count").fetchone()
        real = connection.execute("select count(*) from chunk").fetchone()
    assert counted == real
    for uri, chunks, text, *counts, current in rows:
        assert counts == [chunks] * 4, uri
        assert current == 1, uri
        assert any(f"Version {version}." in text for version in versions), uri
    return len(rows)


def start_adding(root: Path, dsn: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, ADDER, root, dsn, folder], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_at_twenty_points_while_adding_nothing_is_half_visible_and_nothing_is_lost(
    workspace: Workspace, dsn: str, folder: Path
) -> None:
    draw = random.Random(7)
    present = 0
    for attempt in range(20):
        version = attempt // 5  # every fifth time the documents change, so that replacing is interrupted too
        write_documents(folder, count=30, version=version)
        adding = start_adding(workspace.root, dsn, folder)
        assert adding.stdout is not None
        assert adding.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0, 0.6))
        adding.kill()
        adding.communicate()
        found = assert_whole(dsn, folder, {version, max(0, version - 1)})
        assert found >= present
        present = found
    adding = start_adding(workspace.root, dsn, folder)
    out, _ = adding.communicate(timeout=120)
    assert out.splitlines()[-1].split()[4] == "0"
    assert assert_whole(dsn, folder, {3}) == 30
    with Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel()) as bench:
        assert bench.audit.verify().faults == ()


@pytest.mark.slow
def test_the_database_killed_while_adding_loses_nothing_committed_and_the_next_run_goes_on(
    tmp_path: Path, folder: Path
) -> None:
    made, _ = create_workspace(tmp_path / "workspace")
    write_documents(folder, count=40, version=0)
    with EmbeddedServer(made.state / "postgres", idle_seconds=2.0) as server:
        server.connect_info()
        adding = start_adding(made.root, "", folder)
        assert adding.stdout is not None
        assert adding.stdout.readline() == "ready\n"
        time.sleep(0.4)
        pid = server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        adding.communicate(timeout=120)
        before = assert_whole(server.connect_info(), folder, {0})
        again = start_adding(made.root, "", folder)
        out, _ = again.communicate(timeout=120)
        added, _, _, unchanged, failed = map(int, out.splitlines()[-1].split())
        assert (added + unchanged, failed) == (40, 0)
        assert unchanged == before
        assert assert_whole(server.connect_info(), folder, {0}) == 40


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 120 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.mount(b"tmpfs", bytes(place), b"tmpfs", 0, b"size=120m,mode=755") != 0:
        pytest.skip("a small disk can only be mounted by root")
    yield place
    libc.umount2(bytes(place), 2)


@pytest.mark.slow
def test_a_full_disk_is_one_clear_error_and_the_library_goes_on_when_there_is_room(
    small_disk: Path, folder: Path
) -> None:
    made, _ = create_workspace(small_disk / "workspace")
    workspace = Workspace(made.root, Settings.model_validate({"database": {"idle_seconds": 1.0}}))
    write_documents(folder, count=3, version=0)
    with Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel()) as bench:
        assert add(bench, folder).added == 3
        ballast = small_disk / "ballast"
        with ballast.open("wb") as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 100_000)
        write_documents(folder, count=200, version=1)
        with pytest.raises(RagraftError) as caught:
            add(bench, folder)
        assert caught.value.hint
    ballast.unlink()
    with Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel()) as bench:
        report = add(bench, folder)
        assert report.added + report.replaced + report.unchanged == 200
        assert report.failed == []
        assert bench.audit.verify().faults == ()


def test_a_text_of_200_mb_is_refused_with_the_setting_to_change_and_costs_no_memory(
    bench: Workbench, folder: Path
) -> None:
    line = b"The quick brown fox jumps over the lazy dog, again and again and again.\n"
    with (folder / "huge.txt").open("wb") as file:
        for _ in range(200):
            file.write(line * (1_000_000 // len(line)))
    (folder / "small.txt").write_text("A small text about pumps.")
    report = add(bench, folder)
    assert report.added == 1
    assert [failure.uri for failure in report.failed] == ["huge.txt"]
    assert "max_bytes" in report.failed[0].reason


@pytest.mark.parametrize("suffix", sorted(DOCUMENT_SUFFIXES))
def test_random_bytes_are_reported_whatever_they_call_themselves(
    bench: Workbench, folder: Path, suffix: str
) -> None:
    (folder / f"noise{suffix}").write_bytes(random.Random(suffix).randbytes(5000))
    (folder / "good.txt").write_text("A good text about valves.")
    report = add(bench, folder)
    assert report.added == 1
    assert [failure.uri for failure in report.failed] == [f"noise{suffix}"]


def test_an_encrypted_pdf_is_reported_as_such(bench: Workbench, folder: Path) -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=12)
    pdf.cell(text="a secret about seals")
    plain = folder / "plain.pdf"
    pdf.output(str(plain))
    writer = pypdf.PdfWriter(clone_from=plain)
    writer.encrypt("password", algorithm="AES-256")
    writer.write(folder / "locked.pdf")
    report = add(bench, folder)
    assert report.added == 1
    assert [failure.uri for failure in report.failed] == ["locked.pdf"]
    assert "password" in report.failed[0].reason


def test_a_zip_bomb_is_refused_before_it_is_unpacked(bench: Workbench, folder: Path) -> None:
    with zipfile.ZipFile(folder / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", b"0" * 500_000_000)
    (folder / "good.txt").write_text("A good text about valves.")
    report = add(bench, folder)
    assert report.added == 1
    assert [failure.uri for failure in report.failed] == ["bomb.docx"]


def test_a_name_in_arabic_with_a_newline_is_found_again_under_its_uri(bench: Workbench, folder: Path) -> None:
    (folder / "سياسة\nالإجازات.md").write_text(
        "# الإجازات\n\nThirty days of leave for every pump operator.\n"
    )
    assert add(bench, folder).added == 1
    assert add(bench, folder).unchanged == 1
    uri = bench.library.documents(OWNER)[0].uri
    assert "\n" not in uri
    assert uri.startswith("سياسة")
    assert "Thirty days" in bench.library.revision(uri, caller=OWNER).text
    assert bench.retriever.retrieve("leave pump operator", limit=1, caller=OWNER)[0].uri == uri


def test_an_empty_folder_is_no_error(bench: Workbench, folder: Path) -> None:
    report = add(bench, folder)
    assert (report.added, report.removed, report.failed) == (0, 0, [])


@contextlib.contextmanager
def bound_by_permissions() -> Iterator[None]:
    """Take from this thread, for a while, the capabilities by which root reads any file (capabilities(7))."""
    if sys.platform != "linux":
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this thread
    before, fewer = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, before) == 0
    fewer[:] = before[:]
    fewer[0] &= ~0b110  # of the effective ones: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    assert libc.capset(header, fewer) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0


def test_a_file_without_permission_is_reported_and_keeps_its_old_revision(
    workspace: Workspace, dsn: str, folder: Path, open_bench: Callable[[], Workbench]
) -> None:
    page = folder / "page.md"
    page.write_text("Old text about cranes.")
    assert add(open_bench(), folder).added == 1
    page.write_text("New text about cranes.")
    page.chmod(0)
    bench = open_bench()
    with bound_by_permissions():
        report = add(bench, folder)
    assert [failure.uri for failure in report.failed] == ["page.md"]
    assert report.removed == 0


def test_a_clock_that_is_set_back_keeps_revisions_in_order(bench: Workbench, dsn: str, folder: Path) -> None:
    page = folder / "page.md"
    page.write_text("First text about motors.")
    add(bench, folder)
    with psycopg.connect(dsn, options="-c search_path=ragraft,public -c ragraft.owner=on") as connection:
        connection.execute("update revision set valid_from = now() + interval '3 days'")
    page.write_text("Second text about motors.")
    assert add(bench, folder).replaced == 1
    with psycopg.connect(dsn, options="-c search_path=ragraft,public -c ragraft.owner=on") as connection:
        (first_from, first_to), (second_from, second_to) = connection.execute(
            "select valid_from, valid_to from revision order by number"
        ).fetchall()
    assert first_from < first_to <= second_from
    assert second_to is None
    assert bench.library.revision("page.md", caller=OWNER).text.startswith("Second")
    assert bench.library.revision("page.md", caller=OWNER, as_of=first_from).text.startswith("First")
    assert isinstance(bench.audit, AuditLog)
    assert bench.audit.verify().faults == ()
