"""Chunks: exact spans that cover the body, fit the window, and keep what belongs together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragraft.documents.chunk import DocumentChunker
from ragraft.types import Chunk, PageSpan, ParsedDocument

Count = Callable[[Sequence[str]], list[int]]


def count_words(texts: Sequence[str]) -> list[int]:
    """Count words and single signs, and two special tokens, as BERT's tokenizers do."""
    return [len(re.findall(r"\w+|[^\w\s]", text)) + 2 for text in texts]


def count_bytes(texts: Sequence[str]) -> list[int]:
    """Count bytes: an upper bound for any tokenizer, and one whose tokens are many."""
    return [len(text.encode("utf-8", "surrogatepass")) for text in texts]


def cut(
    text: str,
    *,
    max_tokens: int = 60,
    media_type: str = "text/markdown",
    count_tokens: Count = count_words,
    title: str = "Guide",
    pages: tuple[PageSpan, ...] = (),
    body_start: int = 0,
) -> list[Chunk]:
    document = ParsedDocument(text, title, media_type, "en", pages, {"body_start": body_start})
    return DocumentChunker(count_tokens=count_tokens, max_tokens=max_tokens).chunk(document)


def sentences(count: int, *, words: int = 10) -> str:
    return " ".join(f"S{number} {'word ' * (words - 2)}end." for number in range(count))


PARTS = st.sampled_from(
    ["# Heading\n", "## Sub *heading*\n", "Title\n=====\n", "word ", "A sentence. ", "Ende! Und ", "\n", "\n\n", "- item\n",
     "1. first\n", "```\ncode\n", "```\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "[text](http://x.example/a(b))", "\t",
     "\r\n", "x" * 90, "日本語。", "é\u0301", "😀", '"', ",", "{% alert %}\n", "---\n", "   ", "\u00a0", "…"]
)  # fmt: skip
TEXTS = st.lists(PARTS | st.text(max_size=12), max_size=60).map("".join)
MEDIA_TYPES = st.sampled_from(
    ["text/markdown", "text/plain", "text/csv", "application/x-ndjson", "application/pdf"]
)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, media_type=MEDIA_TYPES, count=st.sampled_from([count_words, count_bytes]))
def test_every_chunk_is_the_documents_text_at_its_span(text: str, media_type: str, count: Count) -> None:
    for chunk in cut(text, media_type=media_type, count_tokens=count, title=""):
        assert chunk.text == text[chunk.start : chunk.end]


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, media_type=MEDIA_TYPES, count=st.sampled_from([count_words, count_bytes]))
def test_chunks_ascend_and_leave_out_nothing_but_white_space(
    text: str, media_type: str, count: Count
) -> None:
    chunks = cut(text, media_type=media_type, count_tokens=count, title="")
    ends = [0, *(at for chunk in chunks for at in (chunk.start, chunk.end)), len(text)]
    assert ends == sorted(ends)
    assert not "".join(text[end:start] for end, start in zip(ends[::2], ends[1::2], strict=True)).strip()


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, media_type=MEDIA_TYPES, count=st.sampled_from([count_words, count_bytes]))
def test_context_and_text_never_exceed_the_window(text: str, media_type: str, count: Count) -> None:
    for chunk in cut(text, media_type=media_type, count_tokens=count, title="A title of some length"):
        assert chunk.tokens == count([chunk.full_text])[0]
        assert chunk.tokens <= 60 or len(chunk.text) == 1


@settings(max_examples=100, deadline=None)
@given(text=TEXTS, breaks=st.lists(st.integers(0, 400), max_size=4))
def test_no_chunk_crosses_a_page(text: str, breaks: list[int]) -> None:
    edges = [0, *sorted({at for at in breaks if at < len(text)}), len(text)]
    pages = tuple(PageSpan(n, a, b) for n, (a, b) in enumerate(pairwise(sorted(set(edges))), 1))
    for chunk in cut(text, media_type="application/pdf", pages=pages):
        page = pages[(chunk.page or 0) - 1]
        assert page.start <= chunk.start
        assert chunk.end <= page.end


def test_a_sentence_that_fits_is_never_cut() -> None:
    text = sentences(40)
    assert all(re.fullmatch(r"(S\d+ (?:word )+end\.\s?)+", chunk.text) for chunk in cut(text))


def test_abbreviations_and_numbered_items_do_not_end_a_sentence() -> None:
    text = " ".join(["See Dr. Who, e.g. No. 5 on 3. May at U.S. Steel vs. Others now." for _ in range(30)])
    assert all(chunk.text.endswith("now.") for chunk in cut(text))


def test_a_sentence_longer_than_a_chunk_is_cut_at_words() -> None:
    text = "word " * 300 + "end."
    assert all(chunk.text.split()[0] == "word" for chunk in cut(text)[:-1])


def test_a_line_without_spaces_is_cut_by_its_characters() -> None:
    chunks = cut("x" * 100_000)
    assert max(len(chunk.text) for chunk in chunks) <= 60 * 12


def test_a_sea_of_white_space_is_in_no_chunk() -> None:
    chunks = cut("One." + "\n" * 100_000 + "Two." + " " * 100_000 + "three.")
    assert [chunk.text for chunk in chunks] == ["One.", "Two.", "three."]


def test_short_neighbouring_sections_share_a_chunk() -> None:
    assert len(cut("# One\n\nFirst.\n\n# Two\n\nSecond.\n")) == 1


def test_a_heading_stays_with_what_follows_it() -> None:
    text = "\n\n".join(f"## Part {n}\n\n{sentences(4)}" for n in range(8))
    assert not any(re.search(r"## Part \d$", chunk.text) for chunk in cut(text))


def test_the_context_is_title_and_the_headings_above_the_chunks_first_character() -> None:
    text = f"# Leave\n\n## Sick [leave](http://x.example)\n\n{sentences(12)}"
    assert cut(text)[-1].context == "Guide > Leave > Sick leave"


def test_a_heading_in_the_text_is_not_repeated_in_the_context() -> None:
    assert cut("# Leave\n\nTen days.")[0].context == "Guide"


def test_a_first_heading_that_repeats_the_title_is_named_once() -> None:
    assert cut(f"# Guide\n\n{sentences(12)}")[-1].context == "Guide"


def test_a_heading_that_ends_its_section_is_not_above_the_next() -> None:
    text = f"# A\n\n## B\n\nText.\n\n# C\n\n{sentences(12)}"
    assert cut(text)[-1].context == "Guide > C"


def test_an_underlined_line_is_a_heading() -> None:
    assert cut(f"Leave\n=====\n\n{sentences(12)}")[-1].context == "Guide > Leave"


def test_a_hash_in_a_code_fence_is_no_heading() -> None:
    assert cut(f"```\n# comment\n```\n\n{sentences(12)}")[-1].context == "Guide"


def test_a_hash_in_plain_text_is_no_heading() -> None:
    assert cut(f"# comment\n\n{sentences(12)}", media_type="text/plain")[-1].context == "Guide"


def test_a_code_fence_that_fits_is_whole() -> None:
    fence = "```python\n" + "\n".join(f"call_{n}(x)" for n in range(7)) + "\n```"
    chunks = cut(f"{sentences(4)}\n\n{fence}\n\n{sentences(4)}")
    assert any(fence in chunk.text for chunk in chunks)


def test_a_long_code_fence_is_cut_at_lines() -> None:
    fence = "```\n" + "\n".join(f"call_{n}(x)" for n in range(60)) + "\n```"
    assert all(re.search(r"(\(x\)|```)$", chunk.text) for chunk in cut(fence))


def test_every_piece_of_a_pipe_table_has_its_header() -> None:
    header = "| name | days |\n|---|---|"
    text = header + "".join(f"\n| person {n} | {n} |" for n in range(60))
    assert all(header in chunk.full_text for chunk in cut(text))


def test_every_piece_of_separated_values_has_the_first_line() -> None:
    text = "name,days\r\n" + "".join(f"person {n},{n}\r\n" for n in range(100))
    chunks = cut(text, media_type="text/csv")
    assert len(chunks) > 3
    assert all("name,days" in chunk.full_text for chunk in chunks)


def test_a_quoted_field_over_two_lines_stays_in_one_chunk() -> None:
    row = '"a long\nnote of ten words that goes on here",7\n'
    assert all(
        chunk.text.count('"') % 2 == 0 for chunk in cut("note,days\n" + row * 40, media_type="text/csv")
    )


def test_a_stray_quote_does_not_glue_a_whole_file_together() -> None:
    text = 'size,days\n3" nails,1\n' + "".join(f"row {n},{n}\n" for n in range(200))
    assert max(chunk.tokens for chunk in cut(text, media_type="text/csv")) <= 60


def test_a_json_record_that_fits_is_whole() -> None:
    lines = "\n".join(f'{{"id": {n}, "text": "some words to read"}}' for n in range(40))
    chunks = cut(lines, media_type="application/x-ndjson")
    assert all(chunk.text.startswith("{") and chunk.text.endswith("}") for chunk in chunks)


def test_front_matter_is_not_in_any_chunk() -> None:
    text = "---\ntitle: Guide\n---\nBody."
    assert [chunk.text for chunk in cut(text, body_start=21)] == ["Body."]


def test_a_table_header_wider_than_a_chunk_leaves_room_for_rows() -> None:
    header = ",".join(f"column{n}" for n in range(200))
    chunks = cut(f"{header}\n" + "1,2\n" * 50, media_type="text/csv")
    assert "1,2\n1,2" in chunks[-1].text


def test_no_headings_and_no_title_give_no_context() -> None:
    assert cut("Text.", title="")[0].full_text == "Text."


def test_an_empty_body_gives_no_chunks() -> None:
    assert cut(" \n\t\n") == []


def test_a_window_too_small_for_a_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        DocumentChunker(count_tokens=count_words, max_tokens=8)
