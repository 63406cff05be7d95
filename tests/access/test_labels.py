"""Labels from the command line and access files; callers by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragraft.access.labels import OWNER, AccessRules, read_access_file, resolve_caller, strictest
from ragraft.errors import NotFoundError, UserError
from ragraft.types import AccessLabel


def label(*groups: str) -> AccessLabel:
    return AccessLabel(frozenset(groups))


# Which label a document gets


STAFF, BOARD, ALL = label("staff"), label("board"), label("everyone")


@pytest.mark.parametrize(
    ("rules", "current", "expected"),
    [
        (AccessRules(), None, label()),
        (AccessRules(), STAFF, STAFF),
        (AccessRules(default=ALL), None, ALL),
        (AccessRules(default=ALL), STAFF, STAFF),
        (AccessRules(groups=BOARD), None, BOARD),
        (AccessRules(groups=BOARD), STAFF, BOARD),
        (AccessRules(default=ALL, groups=label()), STAFF, label()),
        (AccessRules(by_path={"a.md": BOARD}), STAFF, BOARD),
        (AccessRules(by_path={"a.md": label()}), ALL, label()),
        (AccessRules(by_path={"a.md": BOARD}, groups=STAFF), ALL, BOARD),
        (AccessRules(by_path={"other.md": BOARD}), ALL, label()),
        (AccessRules(by_path={"other.md": BOARD}, groups=STAFF), ALL, STAFF),
        (AccessRules(by_path={"other.md": BOARD}, default=STAFF), ALL, STAFF),
        (AccessRules(by_path={}), ALL, label()),
    ],
)
def test_a_document_gets(rules: AccessRules, current: AccessLabel | None, expected: AccessLabel) -> None:
    assert rules.label_for(("a.md",), current) == expected


def test_the_first_of_its_names_that_is_known_decides() -> None:
    rules = AccessRules(by_path={"hr/a.md": BOARD, "a.md": ALL})
    assert rules.label_for(("hr/a.md", "a.md"), None) == BOARD
    assert rules.label_for(("law/a.md", "a.md"), None) == ALL


@pytest.mark.parametrize("name", ["A.md", "a.md/", "./a.md", "a.m", "a.md.bak", "x/a.md", "*"])
def test_a_name_is_matched_whole(name: str) -> None:
    assert AccessRules(by_path={"a.md": ALL}).label_for((name,), None) == label()


# Access files


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "access.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_an_access_file_gives_each_document_its_label(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "note": "for the handbook",
            "groups": {"staff": "all who work here", "everyone": "anybody"},
            "documents": {"a.md": ["staff"], "b/c.md": ["staff", "everyone"], "d.md": []},
        },
    )
    assert read_access_file(path) == {"a.md": STAFF, "b/c.md": label("staff", "everyone"), "d.md": label()}


def test_an_access_file_need_not_list_its_groups(tmp_path: Path) -> None:
    assert read_access_file(write(tmp_path, {"documents": {"a.md": ["staff"]}})) == {"a.md": STAFF}


def test_the_access_file_of_the_public_data_is_read(shared_data: Path) -> None:
    rules = read_access_file(shared_data / "handbook" / "access.json")
    assert rules
    assert all(isinstance(one, AccessLabel) for one in rules.values())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("\ufeff{}", "cannot be read"),
        ([], "is wrong"),
        ({}, "documents"),
        ({"documents": []}, "documents"),
        ({"documents": {"a.md": "staff"}}, r"documents\.a\.md"),
        ({"documents": {"a.md": [1]}}, r"documents\.a\.md\.0"),
        ({"documents": {"a.md": ["a,b"]}}, r"documents\.a\.md\.0"),
        ({"documents": {"a.md": [""]}}, r"documents\.a\.md\.0"),
        ({"documents": {}, "rules": {}}, "rules"),
        ({"groups": {"staff": ""}, "documents": {"a.md": ["stuff", "bord"]}}, "bord, stuff"),
    ],
)
def test_a_wrong_access_file_is_one_clear_error(content: object, told: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=told) as caught:
        read_access_file(write(tmp_path, content))
    assert "access.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_fault_of_an_access_file_is_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, {"documents": {"a.md": "staff", "b.md": [""]}, "x": 1})
    with pytest.raises(UserError, match=r"a\.md.*b\.md.*x") as caught:
        read_access_file(path)
    assert caught.value.hint is not None


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_an_access_file_that_cannot_be_read_says_so(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "access.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        read_access_file(path)


# Callers


KNOWN = {"maria": ["finance", "managers"], "guest": []}


def test_with_neither_name_nor_groups_it_is_the_owner() -> None:
    assert resolve_caller(name=None, groups=(), known=KNOWN) == OWNER
    assert OWNER.owner


def test_a_known_caller_has_his_groups_and_is_not_the_owner() -> None:
    maria = resolve_caller(name="maria", groups=(), known=KNOWN)
    assert (maria.name, maria.groups, maria.owner) == ("maria", {"finance", "managers"}, False)
    assert resolve_caller(name="guest", groups=(), known=KNOWN).groups == frozenset()


@pytest.mark.parametrize("name", ["Maria", "", "owner", "nobody"])
def test_an_unknown_caller_is_not_found(name: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        resolve_caller(name=name, groups=(), known=KNOWN)
    assert caught.value.hint is not None


def test_a_caller_of_groups_has_these_and_a_name_that_says_so() -> None:
    somebody = resolve_caller(name=None, groups=("b", "a", "b"), known=KNOWN)
    assert (somebody.name, somebody.groups, somebody.owner) == ("group:a,b", {"a", "b"}, False)


def test_a_group_may_be_one_that_does_not_exist() -> None:
    assert resolve_caller(name=None, groups=("unheard of",), known=KNOWN).groups == {"unheard of"}


@pytest.mark.parametrize("group", ["", "\udcff", "a\0b"])
def test_a_group_that_no_document_can_have_is_the_users_mistake(group: str) -> None:
    with pytest.raises(UserError, match="group"):
        resolve_caller(name=None, groups=(group,), known=KNOWN)


def test_name_and_groups_together_are_the_users_mistake() -> None:
    with pytest.raises(UserError, match="--as and --as-group"):
        resolve_caller(name="maria", groups=("staff",), known=KNOWN)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([], label()),
        ([label("everyone")], label("everyone")),
        ([label("everyone"), label("everyone", "a")], label("everyone")),
        ([label("everyone"), label("a", "b")], label("a", "b")),
        ([label("a", "b"), label("b", "c")], label("b")),
        ([label("a"), label("b")], label()),
        ([label("a"), label()], label()),
        ([label("everyone"), label()], label()),
    ],
)
def test_the_strictest_label_is_that_of_who_may_read_them_all(
    labels: list[AccessLabel], expected: AccessLabel
) -> None:
    assert strictest(labels) == expected
