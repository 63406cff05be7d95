from __future__ import annotations

import codecs
import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragraft.documents.formats.plain import decode
from ragraft.documents.parse import FileParser
from ragraft.errors import UnreadableError

PLAIN = [".md", ".txt", ".csv", ".tsv", ".json", ".jsonl", ".rst"]
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=300)
GERMAN = "Die Überprüfung der Verträge für Größe und Maß erfolgte gemäß den Grundsätzen. "
RUSSIAN = "Компания представила отчёт о доходах и расходах за прошедший год. "
JAPANESE = "会社は昨年度の収益と支出に関する報告書を提出し、事業の拡大を計画しています。" * 8


@pytest.fixture(scope="module")
def parser() -> Iterator[FileParser]:
    with FileParser() as parser:
        yield parser


@given(text=WORDS, suffix=st.sampled_from(PLAIN), crlf=st.booleans())
@settings(deadline=None)
def test_the_text_is_what_the_file_decodes_to(parser: FileParser, text: str, suffix: str, crlf: bool) -> None:
    content = ("x" + (text.replace("\n", "\r\n") if crlf else text)).encode()
    parsed = parser.parse(content, name=f"a{suffix}")
    assert parsed.text == content.decode("utf-8")


@given(text=WORDS, encoding=st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
@settings(deadline=None)
def test_a_byte_order_mark_decides_and_is_no_character(parser: FileParser, text: str, encoding: str) -> None:
    content = f"x{text}".encode(encoding)
    parsed = parser.parse(content, name="a.txt")
    assert parsed.text == content.decode(parsed.metadata["encoding"]) == f"x{text}"


@given(text=WORDS)
@settings(deadline=None)
def test_markdown_keeps_all_and_says_where_its_body_starts(parser: FileParser, text: str) -> None:
    content = f"---\ntitle: T\n---\n{text}".encode()
    parsed = parser.parse(content, name="a.md")
    assert parsed.text == content.decode()
    assert parsed.text[parsed.metadata["body_start"] :] == text


@given(content=st.binary(max_size=200), suffix=st.sampled_from(PLAIN))
@settings(deadline=None)
def test_any_bytes_are_text_or_unreadable(parser: FileParser, content: bytes, suffix: str) -> None:
    try:
        parsed = parser.parse(content, name=f"a{suffix}")
    except UnreadableError:
        return
    assert parsed.text.strip()
    assert "\x00" not in parsed.text
    json.dumps(dict(parsed.metadata)).encode()


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        (GERMAN, "latin-1"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        ("公司提交了去年收入和支出的报告，并计划扩大业务范围。" * 3, "gb18030"),
        ("قدمت الشركة تقريرها عن الإيرادات والمصروفات في العام الماضي.", "cp1256"),
        ("Zażółć gęślą jaźń. Spółka złożyła sprawozdanie o wyższych przychodach.", "cp1250"),
    ],
)
def test_a_legacy_encoding_is_detected(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)).text == text


def test_a_declared_encoding_is_used_before_guessing() -> None:
    price = "Öl für 10 €"
    assert decode(price.encode("iso8859-15"), declared="ISO-8859-15").text == price


def test_an_unknown_declared_encoding_is_passed_over() -> None:
    assert decode(GERMAN.encode("cp1252"), declared="no-such-thing").text == GERMAN


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_known_by_its_zeros(encoding: str) -> None:
    assert decode(GERMAN.encode(encoding)).text == GERMAN


def test_a_few_damaged_bytes_in_utf_8_are_replaced_and_counted(parser: FileParser) -> None:
    content = GERMAN.encode() * 5 + b"\xff" + GERMAN.encode()[:11]
    parsed = parser.parse(content, name="a.txt")
    assert parsed.text.startswith(GERMAN * 5 + "\ufffd")
    assert parsed.metadata["replaced_characters"] == 1


def test_a_cut_utf_16_file_is_unreadable_with_the_place() -> None:
    with pytest.raises(UnreadableError, match="byte 4"):
        decode(codecs.BOM_UTF16_LE + b"a\x00b")


@pytest.mark.parametrize("content", [b"abc\x00def", "a\x00b".encode("utf-16"), b"\x80\x81\x01\x02" * 9])
def test_what_cannot_be_stored_as_text_is_binary(content: bytes) -> None:
    with pytest.raises(UnreadableError, match="is binary"):
        decode(content)


def test_front_matter_is_metadata_as_written(parser: FileParser) -> None:
    content = b"---\ntitle: 'Leave: the rules'\nversion: 1.10\ndraft: no\ntags: [a, b]\n---\nBody\n"
    parsed = parser.parse(content, name="a.md")
    assert parsed.title == "Leave: the rules"
    assert parsed.metadata["front_matter"] == {
        "title": "Leave: the rules", "version": "1.10", "draft": "no", "tags": ["a", "b"]
    }  # fmt: skip


def test_front_matter_that_is_no_yaml_gives_its_plain_lines_and_the_fault(parser: FileParser) -> None:
    parsed = parser.parse(b"---\ntitle: Part 2: the end\nlang: de\n---\nBody\n", name="a.md")
    assert parsed.title == "Part 2: the end"
    assert parsed.metadata["front_matter_fault"]
    assert parsed.text[parsed.metadata["body_start"] :] == "Body\n"


def test_prose_between_two_rules_is_no_front_matter(parser: FileParser) -> None:
    parsed = parser.parse(b"---\nJust a sentence.\n---\nBody\n", name="a.md")
    assert parsed.metadata["body_start"] == 0


@pytest.mark.parametrize(
    "yaml",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
        + "\n".join(f"k{i}: [*c, *c, *c]" for i in range(200)),
        "a: &a [*a]",
        "a: " + "[" * 5000,
        "a: {{{{{{{{{{{{1: 2}: 3}",
    ],
    ids=["bomb", "circle", "deep", "damaged"],
)
def test_hostile_front_matter_is_a_fault_not_a_crash(parser: FileParser, yaml: str) -> None:
    parsed = parser.parse(f"---\n{yaml}\n---\nBody\n".encode(), name="a.md")
    assert parsed.metadata["front_matter_fault"]


def test_what_the_database_cannot_hold_is_replaced_in_metadata(parser: FileParser) -> None:
    parsed = parser.parse(b'---\ntitle: "a\\0b"\n---\nBody\n', name="a.md")
    assert parsed.title == "a\ufffdb"


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("intro\n\n## The **second** [level](x.md) ##\n", "The second level"),
        ("Underlined\n==========\n", "Underlined"),
        ("```\n# a comment\n```\n# Real\n", "Real"),
        ('<a id="x"></a>\n# Anchored {#anchor}\n', "Anchored"),
        ("no heading at all\n", "My notes"),
        ("| a | b |\n--- | ---\n", "My notes"),
    ],
)
def test_the_title_is_the_first_heading_in_plain_words(parser: FileParser, body: str, title: str) -> None:
    assert parser.parse(body.encode(), name="my_notes.md").title == title


def test_carriage_returns_stay_in_text_and_out_of_the_title(parser: FileParser) -> None:
    parsed = parser.parse(b"---\r\ntitle: T\r\n---\r\n# H\r\nx\r\n", name="a.md")
    assert (parsed.title, parsed.text.count("\r\n")) == ("T", 5)


def test_a_declared_language_counts_where_the_text_is_too_short(parser: FileParser) -> None:
    assert parser.parse(b"---\nlang: de-AT\n---\nServus\n", name="a.md").language == "de"
