from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragraft.documents.parse import FileParser
from ragraft.errors import UnreadableError


@pytest.fixture(scope="module")
def parser() -> Iterator[FileParser]:
    with FileParser() as parser:
        yield parser


def text_of(parser: FileParser, html: str) -> str:
    return parser.parse(html.encode(), name="a.html").text


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>var x = '<p>gone</p>';</script>",
        "<style>p { color: red }</style>",
        "<nav><ul><li>Menu</li></ul></nav>",
        "<div role=navigation>Menu</div>",
        "<div hidden>gone <div>also</div></div>",
        "<span style='display: none'>gone</span>",
        "<template><p>gone</p></template>",
        "<noscript>enable</noscript>",
        "<svg><title>gone</title><text>gone</text></svg>",
        "<select><option>gone</select>",
        "<!-- gone -->",
        "<img src='data:image/png;base64,AAAA'>",
        "<head><title>t</title><script>gone</script></head>",
    ],
)
def test_what_is_not_for_reading_is_not_text(parser: FileParser, hidden: str) -> None:
    assert text_of(parser, f"<p>before</p>{hidden}<p>after</p>") == "before\n\nafter"


def test_headings_paragraphs_and_entities(parser: FileParser) -> None:
    html = (
        "<h1>A <em>B</em></h1>\n<p>R&amp;D 5 &lt; 6&nbsp;&euro;,\n  next <b>line</b><br>break</p><h3>C</h3>x"
    )
    assert text_of(parser, html) == "# A B\n\nR&D 5 < 6 €, next line\nbreak\n\n### C\n\nx"


def test_lists_nest_and_count(parser: FileParser) -> None:
    html = "<ul><li>a<li>b<ol start=3><li>x</li><li>y</li></ol></li><li><p>c</p><p>more</p></li></ul>end"
    assert text_of(parser, html) == "- a\n- b\n  3. x\n  4. y\n- c\n  more\n\nend"


def test_code_keeps_its_lines(parser: FileParser) -> None:
    html = "<p>Run:</p><pre><code>if x:\n    y = '```'\n</code></pre>"
    assert text_of(parser, html) == "Run:\n\n````\nif x:\n    y = '```'\n````"


def test_quotes_are_marked(parser: FileParser) -> None:
    assert text_of(parser, "<blockquote><p>a<br>b</p></blockquote>c") == "> a\n> b\n\nc"


def test_powers_do_not_become_other_numbers(parser: FileParser) -> None:
    assert text_of(parser, "<p>10<sup>6</sup> on the 1<sup>st</sup></p>") == "10^6 on the 1st"


def test_a_table_is_a_pipe_table_with_its_header(parser: FileParser) -> None:
    html = (
        "<table><caption>Rates</caption><thead><tr><th>City<th>Price</thead>"
        "<tbody><tr><td>Bonn | Nord<td><p>90</p><p>net</p></table>"
    )
    assert text_of(parser, html) == "Rates\n\n| City | Price |\n| --- | --- |\n| Bonn \\| Nord | 90 net |"


def test_cells_over_rows_repeat_and_over_columns_leave_room(parser: FileParser) -> None:
    html = (
        "<table><tr><th colspan=2>wide<th>h<tr><td rowspan=2>tall<td>1<td>x<tr><td>2<td>y"
        "<tr><td>a<td>b<td>c</table>"
    )
    assert text_of(parser, html).splitlines() == [
        "| wide |  | h |", "| --- | --- | --- |", "| tall | 1 | x |", "| tall | 2 | y |", "| a | b | c |"
    ]  # fmt: skip


def test_a_layout_table_is_read_part_after_part(parser: FileParser) -> None:
    html = "<table><tr><td><h2>Left</h2>words<td><table><tr><td>a<td>b<tr><td>1<td>2</table></table>"
    assert text_of(parser, html) == "## Left\n\nwords\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_tags_left_open_lose_no_words(parser: FileParser) -> None:
    assert text_of(parser, "<div><p>a<p>b <table><tr><td>c<td>d") == "a\n\nb\n\n| c | d |\n| --- | --- |"


def test_title_description_and_declared_language(parser: FileParser) -> None:
    html = '<html lang="de-AT"><title>Ein &amp; alles</title><meta name=Description content="Kurz"><p>Servus'
    parsed = parser.parse(html.encode(), name="a.html")
    assert (parsed.title, parsed.language, parsed.metadata["description"]) == ("Ein & alles", "de", "Kurz")


def test_without_a_title_the_first_heading_serves(parser: FileParser) -> None:
    assert parser.parse(b"<h2>Offers</h2><p>x", name="a.html").title == "Offers"


@pytest.mark.parametrize("encoding", ["windows-1251", "koi8-r"])
def test_the_declared_encoding_of_a_page_is_used(parser: FileParser, encoding: str) -> None:
    content = f'<meta charset="{encoding}"><p>Привет, мир</p>'.encode(encoding)
    assert parser.parse(content, name="a.html").text == "Привет, мир"


def test_a_page_of_scripts_alone_holds_no_text(parser: FileParser) -> None:
    with pytest.raises(UnreadableError, match="holds no text"):
        parser.parse(b"<html><body><script>render()</script></body></html>", name="a.html")


def test_ten_thousand_open_tags_are_read(parser: FileParser) -> None:
    assert text_of(parser, "<div><b><table><tr><td>" * 10_000 + "deep") == "deep"
