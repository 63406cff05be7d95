from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragraft.documents import sources
from ragraft.documents.sources import (
    FoundSources,
    SourceFile,
    file_name_of,
    find_sources,
    read_source,
    uri_of,
)
from ragraft.errors import NotFoundError, UnreadableError


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode("utf-8", "surrogateescape"))


def uris(found: FoundSources) -> list[str]:
    return [file.relative for file in found.files]


def reasons(found: FoundSources) -> dict[str, str]:
    return {failed.relative: failed.reason for failed in found.failed}


def only_file(root: Path) -> SourceFile:
    (file,) = find_sources(root).files
    return file


def test_documents_come_in_the_order_of_their_uris(tmp_path: Path) -> None:
    put(tmp_path, "b.md", "a/z.txt", "a/b/c.pdf", "a.md", "B.MD")
    assert uris(find_sources(tmp_path)) == ["B.MD", "a.md", "a/b/c.pdf", "a/z.txt", "b.md"]


def test_hidden_and_generated_files_are_left_out(tmp_path: Path) -> None:
    put(
        tmp_path, ".git/a.md", ".ragraft/a.md", "node_modules/a.md", "x/__pycache__/a.md", ".b.md", "~$c.docx"
    )
    assert find_sources(tmp_path) == FoundSources((), (), {})


def test_what_is_no_document_is_counted_by_suffix(tmp_path: Path) -> None:
    put(tmp_path, "a.py", "b.PY", "c.png", "Makefile", "d.md")
    found = find_sources(tmp_path)
    assert (uris(found), found.skipped, found.failed) == (["d.md"], {"": 1, ".png": 1, ".py": 2}, ())


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert find_sources(tmp_path) == FoundSources((), (), {})


def test_a_file_alone_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    put(tmp_path, "notes.log")
    assert uris(find_sources(tmp_path / "notes.log")) == ["notes.log"]


def test_a_path_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no file or folder"):
        find_sources(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("تقرير سنوي.md", "تقرير سنوي.md"),
        ("two\nlines.md", "two%0Alines.md"),
        ("100%.md", "100%25.md"),
        ("right\u202eleft.md", "right%E2%80%AEleft.md"),
        (os.fsdecode(b"caf\xe9.md"), "caf%E9.md"),
    ],
)
def test_odd_names_get_printable_uris_and_are_read(tmp_path: Path, name: str, uri: str) -> None:
    put(tmp_path, name)
    file = only_file(tmp_path)
    assert file.relative == uri
    assert read_source(file) == os.fsencode(name)


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\x00" not in name))
@settings(deadline=None)
def test_every_file_name_has_a_printable_uri_that_leads_back(name: bytes) -> None:
    uri = uri_of(os.fsdecode(name))
    assert uri.isprintable()
    assert uri.encode()
    assert os.fsencode(file_name_of(uri)) == name


def test_a_link_to_a_file_inside_is_followed(tmp_path: Path) -> None:
    put(tmp_path, "a/real.md")
    (tmp_path / "link.md").symlink_to(tmp_path / "a/real.md")
    found = find_sources(tmp_path)
    assert uris(found) == ["a/real.md", "link.md"]
    assert read_source(found.files[1]) == b"a/real.md"


def test_links_to_outside_are_reported_and_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "out/secret.md", "in/a.md")
    (tmp_path / "in/link.md").symlink_to(tmp_path / "out/secret.md")
    (tmp_path / "in/folder").symlink_to(tmp_path / "out")
    found = find_sources(tmp_path / "in")
    assert uris(found) == ["a.md"]
    assert reasons(found) == dict.fromkeys(
        ["folder", "link.md"], "is a link to outside the folder and is not followed"
    )


def test_links_that_go_in_circles_end(tmp_path: Path) -> None:
    put(tmp_path, "a/x.md")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "a/loop.md").symlink_to(tmp_path / "a/loop.md")
    found = find_sources(tmp_path)
    assert uris(found) == ["a/x.md"]
    assert reasons(found) == {"a/loop.md": "is a link whose target is missing or goes in a circle"}


def test_pipes_and_sockets_are_reported_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "socket.md"))
        found = find_sources(tmp_path)
    assert reasons(found) == dict.fromkeys(
        ["pipe.md", "socket.md"], "is a device, a pipe or a socket, not a file"
    )


def test_a_file_that_became_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    file = only_file(tmp_path)
    file.path.unlink()
    os.mkfifo(file.path)
    with pytest.raises(UnreadableError, match="not a file"):
        read_source(file)


def test_a_file_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "in/a.md", "secret.md")
    file = only_file(tmp_path / "in")
    file.path.unlink()
    file.path.symlink_to(tmp_path / "secret.md")
    with pytest.raises(UnreadableError, match="cannot be read"):
        read_source(file)


def test_a_file_that_vanished_says_so(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    file = only_file(tmp_path)
    file.path.unlink()
    with pytest.raises(UnreadableError, match="vanished"):
        read_source(file)


@pytest.fixture
def not_root() -> Iterator[Path]:
    """A folder, and for the time of the test a user, who is not root if the tests are run by root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)


def test_files_and_folders_without_permission_are_reported(not_root: Path) -> None:
    put(not_root, "a.md", "closed/b.md", "c.md")
    (not_root / "a.md").chmod(0)
    (not_root / "closed").chmod(0)
    found = find_sources(not_root)
    (not_root / "closed").chmod(0o700)
    assert uris(found) == ["c.md"]
    assert reasons(found) == {
        "a.md": "may not be read: no permission",
        "closed": "may not be listed: no permission",
    }


def test_a_refused_listing_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.md", "closed/b.md")
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(sources.os, "scandir", refusing)
    found = find_sources(tmp_path)
    assert (uris(found), reasons(found)) == (["a.md"], {"closed": "may not be listed: no permission"})


def test_a_folder_that_vanishes_while_walking_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.md", "b/c.md")
    scandir = os.scandir

    def vanishing(path: Path) -> object:
        if path.name == "b":
            (path / "c.md").unlink()
            path.rmdir()
        return scandir(path)

    monkeypatch.setattr(sources.os, "scandir", vanishing)
    found = find_sources(tmp_path)
    assert reasons(found) == {"b": "is gone: it vanished before it could be listed"}


def test_a_large_file_is_reported_with_the_setting(tmp_path: Path) -> None:
    with (tmp_path / "big.txt").open("wb") as stream:
        stream.truncate(200_000_000)
    assert reasons(find_sources(tmp_path)) == {
        "big.txt": "is too large: 200,000,000 bytes, and [documents] max_bytes allows 67,108,864"
    }


def test_a_file_that_grew_is_not_loaded_beyond_the_limit(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    file = only_file(tmp_path)
    file.path.write_bytes(b"x" * 1001)
    with pytest.raises(UnreadableError, match=r"\[documents\] max_bytes allows 1,000"):
        read_source(file, max_bytes=1000)


def test_a_file_of_just_the_limit_is_read(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    assert read_source(only_file(tmp_path), max_bytes=4) == b"a.md"


class _Changing:
    """Stands for os.fstat: the file looks changed after the first `times` reads."""

    def __init__(self, times: int) -> None:
        self.fstat = os.fstat
        self.calls = 0
        self.times = times

    def __call__(self, descriptor: int) -> object:
        state = self.fstat(descriptor)
        self.calls += 1
        # Three looks a try: what it is, how it is before, how it is after.
        if self.calls % 3 == 0 and self.calls <= 3 * self.times:
            return os.stat_result((*state[:6], state.st_size + 1, *state[7:]))
        return state


def test_a_file_that_changed_while_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.md")
    file = only_file(tmp_path)
    monkeypatch.setattr(sources.os, "fstat", _Changing(times=2))
    assert read_source(file) == b"a.md"


def test_a_file_that_keeps_changing_is_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.md")
    file = only_file(tmp_path)
    monkeypatch.setattr(sources.os, "fstat", _Changing(times=9))
    with pytest.raises(UnreadableError, match="changed each time it was read"):
        read_source(file)


def test_size_and_time_are_those_of_the_file(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    os.utime(tmp_path / "a.md", ns=(1, 1_700_000_000_123_456_789))
    file = only_file(tmp_path)
    assert (file.size, file.modified) == (4, 1_700_000_000_123_456_789)


def test_folders_three_hundred_deep_are_walked(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(300):
        folder = folder / "d"
        folder.mkdir()
    (folder / "a.md").write_bytes(b"deep")
    assert uris(find_sources(tmp_path)) == ["d/" * 300 + "a.md"]
