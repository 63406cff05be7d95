from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from document_files import archive, docx, minimal_docx, pdf

from ragraft.documents.parse import FileParser
from ragraft.documents.sandbox import Sandbox
from ragraft.errors import RagraftError, UnreadableError

HERE = str(Path(__file__).parent)
PAGE = b"<p>Hello</p>"


@pytest.fixture(autouse=True)
def faulty_reader_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", HERE)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Reads as the faulty reader does, with small limits."""
    with Sandbox(
        reader="faulty_reader:read", seconds=5, memory_bytes=500_000_000, max_characters=1_000_000
    ) as sandbox:
        yield sandbox


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends_within(seconds: float, pid: int) -> bool:
    end = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_alive(pid)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("crash", r"crashed the program that reads it \(SIGSEGV\)"),
        ("abort", r"crashed the program that reads it \(SIGABRT\)"),
        ("exit", r"crashed the program that reads it \(exit code 0\)"),
        ("memory", "needs more memory than a file may use"),
        ("rust memory", "needs more memory than a file may use"),
        ("flood", "holds more text than a file may"),
        ("bad pages", "answer nonsense"),
        ("raise", "is damaged: KeyError"),
        ("panic", "is damaged: UnsoundError: task 1 panicked"),
    ],
)
def test_a_fault_costs_its_file_alone(sandbox: Sandbox, fault: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        sandbox.extract(b"x", kind=fault)
    assert sandbox.extract(PAGE, kind="html").text == "Hello"


def test_a_file_that_hangs_is_given_up_after_its_time() -> None:
    with Sandbox(reader="faulty_reader:read", seconds=0.5) as sandbox:
        with pytest.raises(UnreadableError, match=r"took longer than 0.5 seconds"):
            sandbox.extract(b"x", kind="hang")
        assert sandbox.extract(PAGE, kind="html").text == "Hello"


def test_a_reader_that_prints_disturbs_nothing(sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
    assert sandbox.extract(b"x", kind="noise").text == "read"
    assert capfd.readouterr() == ("", "")


def test_a_file_that_crashes_a_used_child_is_tried_in_a_new_one(sandbox: Sandbox) -> None:
    assert [sandbox.extract(b"x", kind="once").text for _ in range(3)] == ["read"] * 3


def test_what_cannot_be_stored_is_replaced_and_offsets_hold(sandbox: Sandbox) -> None:
    found = sandbox.extract(b"x", kind="surrogate")
    assert (found.text, found.pages) == ("a\ufffdb\ufffdc", ((1, 0, 5),))


def test_the_child_is_kept_for_the_next_file(sandbox: Sandbox) -> None:
    assert sandbox.extract(b"x", kind="pid").text == sandbox.extract(b"x", kind="pid").text


def test_a_child_whose_reader_panicked_reads_no_other_file(sandbox: Sandbox) -> None:
    pid = sandbox.extract(b"x", kind="pid").text
    with pytest.raises(UnreadableError, match="panicked"):
        sandbox.extract(b"x", kind="panic")
    assert sandbox.extract(b"x", kind="pid").text != pid


def test_a_panic_over_one_pdf_does_not_cost_the_next() -> None:
    content = pdf(["Words."])
    # kreuzberg slices this date inside a character; the key is written so that it is not seen before.
    odd = re.sub(rb"/CreationDate \(D:\d{14}", b"/Creation#44ate (2024\xfe3\xfe1\xfe       ", content)
    with FileParser() as parser:
        with pytest.raises(UnreadableError, match="panicked"):
            parser.parse(odd, name="odd.pdf")
        assert parser.parse(content, name="a.pdf").text == "Words."


def test_the_child_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGRAFT_MODEL_KEY", "secret")
    with Sandbox(reader="faulty_reader:read") as sandbox:
        assert "RAGRAFT_MODEL_KEY" not in sandbox.extract(b"x", kind="environment").text.split()


def test_the_child_loads_no_numpy(sandbox: Sandbox) -> None:
    assert "numpy" not in sandbox.extract(b"x", kind="modules").text.split()


def test_close_ends_the_child_and_a_later_file_starts_one() -> None:
    with Sandbox(reader="faulty_reader:read") as sandbox:
        pid = int(sandbox.extract(b"x", kind="pid").text)
        sandbox.close()
        assert not is_alive(pid)
        assert sandbox.extract(PAGE, kind="html").text == "Hello"


def test_a_child_killed_between_files_is_replaced_unnoticed(sandbox: Sandbox) -> None:
    os.kill(int(sandbox.extract(b"x", kind="pid").text), signal.SIGKILL)
    assert sandbox.extract(PAGE, kind="html").text == "Hello"


def test_the_child_outlives_the_thread_that_asked_first() -> None:
    with Sandbox(reader="faulty_reader:read") as sandbox:
        pids: list[str] = []
        for _ in range(3):
            thread = threading.Thread(target=lambda: pids.append(sandbox.extract(b"x", kind="pid").text))
            thread.start()
            thread.join()
        assert len(set(pids)) == 1


def test_several_threads_get_their_own_answers(sandbox: Sandbox) -> None:
    texts: dict[int, str] = {}

    def ask(number: int) -> None:
        texts[number] = sandbox.extract(f"<p>{number}</p>".encode(), kind="html").text

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == {number: str(number) for number in range(8)}


def test_a_reader_that_does_not_load_is_our_fault_and_says_why() -> None:
    with Sandbox(reader="no_such_module:read") as sandbox:
        with pytest.raises(RagraftError, match="No module named 'no_such_module'"):
            sandbox.extract(PAGE, kind="html")


PARENT = """
import sys
from ragraft.documents.sandbox import Sandbox
sandbox = Sandbox(reader="faulty_reader:read")
print(sandbox.extract(b"x", kind="pid").text, flush=True)
try:
    sandbox.extract(b"x", kind="hang")
except KeyboardInterrupt:
    print("interrupted", sandbox.extract(b"<p>Hello</p>", kind="html").text, flush=True)
    sandbox.close()
"""


def started_parent() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's parent-death signal")
def test_a_busy_child_dies_with_its_parent() -> None:
    with started_parent() as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.2)
        parent.kill()
        parent.wait()
        assert ends_within(5, child)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ctrl_c_stops_the_file_without_a_traceback_and_the_next_is_read() -> None:
    with started_parent() as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.2)
        # What a terminal does: to every process of the parent's group.
        os.killpg(parent.pid, signal.SIGINT)
        out, errors = parent.communicate(timeout=20)
        assert (out, errors) == ("interrupted Hello\n", "")
        assert ends_within(5, child)


def bomb(unpacked: int) -> bytes:
    return archive(
        {
            "[Content_Types].xml": b"<Types/>",
            "word/document.xml": b"<a/>",
            "word/media/a.bin": bytes(unpacked),
        }
    )


def test_a_zip_bomb_is_refused_before_unpacking() -> None:
    with pytest.raises(UnreadableError, match="like a zip bomb"):
        FileParser().parse(bomb(100_000_000), name="a.docx")


def test_a_zip_of_very_many_parts_is_refused() -> None:
    parts = {f"word/{number}": b"" for number in range(20_001)}
    content = archive({"[Content_Types].xml": b"", "word/document.xml": b"", **parts})
    with pytest.raises(UnreadableError, match="more than 20,000 parts"):
        FileParser().parse(content, name="a.docx")


def test_a_zip_whose_parts_overlap_is_refused() -> None:
    content = bytearray(
        archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<a/>", "word/b": b"x"})
    )
    first, *_, last = [place for place in range(len(content)) if content[place : place + 4] == b"PK\x01\x02"]
    content[last + 42 : last + 46] = content[first + 42 : first + 46]
    with pytest.raises(UnreadableError, match="overlap"):
        FileParser().parse(bytes(content), name="a.docx")


def test_a_zip_directory_that_lies_about_sizes_costs_no_memory() -> None:
    content = bytearray(minimal_docx(b"<d><body>" + b" " * 300_000_000 + b"</body></d>"))
    lie = struct.pack("<I", 1000)
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.rindex(magic)
        content[place + offset : place + offset + 4] = lie
    with FileParser(sandbox=Sandbox(memory_bytes=100_000_000)) as parser:
        with pytest.raises(UnreadableError, match=r"is damaged|more memory"):
            parser.parse(bytes(content), name="a.docx")


def test_an_encrypted_part_is_refused_as_such() -> None:
    content = bytearray(docx(lambda document: document.add_paragraph("x")))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnreadableError, match="encrypted with a password"):
        FileParser().parse(bytes(content), name="a.docx")


def test_a_pdf_that_inflates_without_end_stays_within_its_memory() -> None:
    packed = zlib.compress(b"q " * 300_000_000, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(packed), packed),
    ]
    body = b"".join(b"%d 0 obj%b\nendobj\n" % (number, item) for number, item in enumerate(objects, start=1))
    content = b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R>>"
    with FileParser(sandbox=Sandbox(memory_bytes=300_000_000, seconds=20)) as parser:
        with pytest.raises(UnreadableError):
            parser.parse(content, name="a.pdf")
