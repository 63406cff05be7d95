"""`ragraft show CITATION`: the place that an answer's reference names, in the revision it was read from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ragraft.cli.answers import parse_reference

Run = Callable[..., Any]

LEAVE = "How many days of annual leave does an employee have?"
SAID = "Every employee has thirty days of annual leave in a year."


def err(ragraft: Run) -> str:
    """Return what the last command wrote to standard error."""
    return str(ragraft.err)  # type: ignore[attr-defined]


def referred(ragraft: Run, question: str = LEAVE) -> str:
    """Return the reference of the one citation of an answer."""
    (citation,) = ragraft("ask", question, "--json")["citations"]
    return str(citation["reference"])


def test_a_reference_shows_its_quote(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder)
    reference = referred(ragraft)
    shown = ragraft("show", reference, "--json")
    assert shown == {"uri": "leave.md", "revision": 1, "start": 9, "end": 9 + len(SAID), "quote": SAID}
    assert reference == f"leave.md@1#9-{9 + len(SAID)}"


def test_a_reference_shows_its_quote_in_the_text_around_it(ragraft: Run, folder: Path) -> None:
    before = "".join(f"Line {at} before.\n" for at in range(100))
    after = "".join(f"Line {at} after.\n" for at in range(100))
    (folder / "leave.md").write_text(f"{before}\n{SAID}\n\n{after}")
    ragraft("add", folder)
    out = ragraft("show", referred(ragraft))
    assert out.startswith("…\nLine ")
    assert out.endswith(" after.\n…\n")
    assert SAID in out
    assert 1000 < len(out) < 1500


def test_a_short_document_is_shown_whole(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder)
    assert ragraft("show", referred(ragraft)) == f"# Leave\n\n{SAID}\n"


def test_markup_in_a_document_is_shown_as_it_stands(ragraft: Run, folder: Path) -> None:
    (folder / "leave.md").write_text(f"# Leave [bold]x[/bold]\n\n{SAID} See [/red] \\[a].\n")
    ragraft("add", folder)
    assert ragraft("show", referred(ragraft)) == f"# Leave [bold]x[/bold]\n\n{SAID} See [/red] \\[a].\n"


@pytest.mark.parametrize("name", ["a@2#3-4.md", "a b@.md", "#1-2.md", "ä#ö@1#2-3 copy.md"])
def test_a_name_may_hold_the_signs_of_a_reference(ragraft: Run, folder: Path, name: str) -> None:
    (folder / "leave.md").rename(folder / name)
    ragraft("add", folder)
    shown = ragraft("show", referred(ragraft), "--json")
    assert (shown["uri"], shown["quote"]) == (name, SAID)
    assert ragraft("show", name, "--json")["uri"] == name


def test_an_old_reference_shows_what_it_quoted(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder)
    reference = referred(ragraft)
    (folder / "leave.md").write_text("# Leave\n\nEvery employee has forty days of annual leave in a year.\n")
    ragraft("add", folder)
    assert ragraft("show", reference, "--json")["quote"] == SAID
    assert referred(ragraft).startswith("leave.md@2#")


def test_a_reference_into_a_removed_document_still_shows_what_it_quoted(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder)
    reference = referred(ragraft)
    ragraft("remove", "leave.md")
    assert ragraft("show", reference, "--json")["quote"] == SAID


def test_a_reference_into_an_erased_document_shows_nothing(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder)
    reference = referred(ragraft)
    ragraft("erase", "leave.md", "--yes")
    ragraft("show", reference, code=2)
    assert "thirty" not in err(ragraft)


@pytest.mark.parametrize("place", ["0-9999", "5-5", "9-5", "9999-10000", f"0-{10**30}"])
def test_a_place_that_the_revision_has_not_is_the_users_to_mend(
    ragraft: Run, folder: Path, place: str
) -> None:
    ragraft("add", folder)
    ragraft("show", f"leave.md@1#{place}", code=2)
    assert "has characters 0 to 67" in err(ragraft)


@pytest.mark.parametrize("number", ["0", "2", "99999", str(2**31), str(10**30)])
def test_a_revision_that_there_is_not_is_the_users_to_mend(ragraft: Run, folder: Path, number: str) -> None:
    ragraft("add", folder)
    ragraft("show", f"leave.md@{number}#0-5", code=2)
    assert f"there is no revision {number} of 'leave.md'" in err(ragraft)


def test_a_hidden_document_and_an_absent_one_give_the_same_error(ragraft: Run, folder: Path) -> None:
    ragraft("add", folder, "--group", "staff")
    told = []
    for uri in ("leave.md", "leaks.md"):
        for place in ("1#0-5", "1#5-0", "1#0-9999", "2#0-5"):
            ragraft("show", f"{uri}@{place}", "--as-group", "other", code=2)
            told.append(err(ragraft).replace(uri, "URI"))
    assert told[:4] == told[4:]
    assert ragraft("show", "leave.md@1#0-7", "--as-group", "staff", "--json")["quote"] == "# Leave"


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("a.md@1#2-3", ("a.md", 1, 2, 3)),
        ("https://x.example/a?b=c#d@12#0-345", ("https://x.example/a?b=c#d", 12, 0, 345)),
        ("a@1#2-3@4#5-6", ("a@1#2-3", 4, 5, 6)),
        ("a.md", None),
        ("a.md@1", None),
        ("a.md#2-3", None),
        ("a.md@1#2-3 ", None),
        ("a.md@-1#2-3", None),
        ("@1#2-3", None),
        ("", None),
    ],
)
def test_a_reference_is_told_from_a_name(text: str, parsed: tuple[str, int, int, int] | None) -> None:
    assert parse_reference(text) == parsed
