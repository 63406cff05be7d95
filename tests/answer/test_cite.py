"""What a model wrote becomes claims: numbers told from text, invented ones counted, links taken out."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ragraft.answer.cite import LINK_TAKEN_OUT, Claim, claim_spans, read_claims, unmarked, without_links

OUT = LINK_TAKEN_OUT


def claims_of(text: str, passages: int = 4) -> list[tuple[str, tuple[int, ...]]]:
    """Return each claim's text with the numbers that it cites."""
    return [(claim.text, claim.named) for claim in read_claims(text, passages=passages)]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("The soup costs three francs [1].", [("The soup costs three francs.", (1,))]),
        ("The soup costs three francs. [1]", [("The soup costs three francs.", (1,))]),
        ("The soup costs three francs.[1]", [("The soup costs three francs.", (1,))]),
        ("The soup costs three francs.\n[1]", [("The soup costs three francs.", (1,))]),
        ("Soup [1][2].", [("Soup.", (1, 2))]),
        ("Soup [1] [2].", [("Soup.", (1, 2))]),
        ("Soup [1, 2].", [("Soup.", (1, 2))]),
        ("Soup [2;1].", [("Soup.", (2, 1))]),
        ("Soup [ 1 , 2 ].", [("Soup.", (1, 2))]),
        ("Soup [1][1] [1].", [("Soup.", (1,))]),
        ("[3] Eleven. Soup [1].", [("Eleven.", (3,)), ("Soup.", (1,))]),
        ("[3]: Eleven.", [("Eleven.", (3,))]),
        ("[3]\nEleven.", [("Eleven.", (3,))]),
        ("Soup. [1] Trout is sold. [2]", [("Soup.", (1,)), ("Trout is sold.", (2,))]),
        ('He said "the soup [1] is hot".', [('He said "the soup is hot".', (1,))]),
        ("- soup [1]\n- trout [2]\n", [("- soup", (1,)), ("- trout", (2,))]),
        ("Soup [1]\n\nTrout [2]", [("Soup", (1,)), ("Trout", (2,))]),
        ("Die Suppe ist heiß [2].", [("Die Suppe ist heiß.", (2,))]),
        ("Soup [1] (see the menu).", [("Soup (see the menu).", (1,))]),
        ("Soup [1] [Menu] is hot.", [("Soup [Menu] is hot.", (1,))]),
        ("Soup [1](menu.md).", [("Soup.", (1,))]),
        ("Soup [٢].", [("Soup.", (2,))]),
    ],
)
def test_a_number_belongs_to_the_sentence_it_stands_in_or_behind(
    text: str, claims: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert claims_of(text) == claims


@pytest.mark.parametrize(
    ("text", "shown", "named", "invented"),
    [
        ("Hot [99].", "Hot.", (), (99,)),
        ("Hot [0].", "Hot.", (), (0,)),
        ("Hot [00].", "Hot.", (), (0,)),
        ("Hot [5] and [1].", "Hot and.", (1,), (5,)),
        ("Hot [1, 77].", "Hot.", (1,), (77,)),
        ("Hot [9] or [9].", "Hot or.", (), (9, 9)),
        ("Hot [[9]9].", "Hot.", (), (9, 9)),
        ("Hot.\n[999]", "Hot.", (), (999,)),
        ("[9]", "", (), (9,)),
    ],
)
def test_a_number_that_names_no_passage_is_counted_and_taken_out(
    text: str, shown: str, named: tuple[int, ...], invented: tuple[int, ...]
) -> None:
    assert read_claims(text, passages=4) == [Claim("", shown, named, invented)]


@pytest.mark.parametrize(
    "text", ["As held in [2024] UKSC 3.", "Array[10000].", "See [a].", "It is [] or [-1]."]
)
def test_brackets_that_can_be_no_number_of_a_passage_are_text(text: str) -> None:
    assert read_claims(text, passages=4) == [Claim("", text, (), ())]


def test_without_passages_every_number_is_invented() -> None:
    found = read_claims("Soup [1]. Trout [2].", passages=0)
    assert [(claim.named, claim.invented) for claim in found] == [((), (1,)), ((), (2,))]


def test_numbers_on_a_line_of_their_own_are_no_sentence() -> None:
    text = "Soup costs three francs.\n[1]\nTrout is sold.\n[2]"
    assert [text[start:end] for start, end in claim_spans(text)] == [
        "Soup costs three francs.\n[1]",
        "Trout is sold.\n[2]",
    ]


def test_the_white_space_between_sentences_is_kept() -> None:
    found = read_claims("Soup. [1]\n\nTrout.\n- eel", passages=1)
    assert [(claim.before, claim.text) for claim in found] == [
        ("", "Soup."),
        ("\n\n", "Trout."),
        ("\n", "- eel"),
    ]


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_an_empty_answer_claims_nothing(text: str) -> None:
    assert read_claims(text, passages=3) == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("See [the policy](https://evil.example/a?b=c).", "See the policy."),
        ("See [the policy](https://evil.example/a_(b)).", "See the policy."),
        ("See [the policy](//evil.example).", "See the policy."),
        ("See [the policy](evil.example 'now').", "See the policy."),
        ("See [the policy](\nhttps://evil.example\n).", "See the policy."),
        ("See [the policy](<https://evil.example/a b>).", "See the policy."),
        ("See [the policy](javascript:alert(1)).", "See the policy."),
        ("See [the policy](java\nscript:alert(1)).", "See the policy."),
        ("See [the policy](data:text/html,hi).", "See the policy."),
        ("See [the policy][1a].", "See the policy."),
        ("[a [b] c](evil.example)", "[a [b] c] (evil.example)"),
        ("![a picture](https://evil.example/x.png)", "a picture"),
        ('![](https://evil.example/x.png?q=secret "t")', ""),
        ("[![i](https://evil.example/a.png)](https://evil.example)", "i"),
        ("The soup [1](https://evil.example) is hot.", "The soup [1] is hot."),
        ("[ref]: https://evil.example 'Menu'", f"[ref] : {OUT} 'Menu'"),
        ("> [ref]: //evil.example", "> [ref] : //evil.example"),
        ("See <https://evil.example>.", f"See {OUT}."),
        ("See https://evil.example. The soup is hot.", f"See {OUT}. The soup is hot."),
        ("See (https://evil.example/x), now.", f"See ({OUT}), now."),
        ("See https://evil.example[1].", f"See {OUT}[1]."),
        ("See HTTPS://EVIL.example", f"See {OUT}"),
        ("See www.evil.example/x", f"See {OUT}"),
        ("See _www.evil.example", f"See _{OUT}"),
        ("See 1https://evil.example", f"See 1{OUT}"),
        ("See https:\\\\evil.example", f"See {OUT}"),
        ("See http:evil.example", f"See {OUT}"),
        ("See ftp://evil.example", f"See {OUT}"),
        ("See file:///etc/passwd", f"See {OUT}"),
        ("See javascript:alert(1)", f"See {OUT}"),
        ("See JaVaScRiPt:alert`1`", f"See {OUT}`1`"),
        ("See vbscript:run", f"See {OUT}"),
        ("See data:text/html;base64,AAAA", f"See {OUT}"),
        ("Write to mailto:a@evil.example", f"Write to {OUT}"),
        ('<a href="https://evil.example">here</a>', "here"),
        ("<a\nhref='//evil.example'>here</a>", "here"),
        ("<img src=//evil.example/x onerror=alert(1)>Hot.", "Hot."),
        ('<img alt="a>b" src="//evil.example">Hot.', "Hot."),
        ("<script>alert(1)</script>", "alert(1)"),
        ("<<b>script>alert(1)</<b>script>", "alert(1)"),
        ("<svg/onload=alert(1)>", "< svg/onload=alert(1)>"),
        ("Hot.<!-- [x](//evil.example)\n -->", "Hot."),
        ("<img src='//evil.example/x'", "< img src='//evil.example/x'"),
        ("[the policy]<b></b>(//evil.example)", "the policy"),
        ("Orders <EUR 100, not >EUR 500.", "Orders < EUR 100, not >EUR 500."),
    ],
)
def test_links_go_and_their_words_stay(text: str, left: str) -> None:
    assert without_links(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "3 < 4 and 5 > 4.",
        "From 10:30 to 11:00, see note: late.",
        "The menu [a] (see below) is [b] [c].",
        "A metadata:application/x field.",
        "Write to canteen@castor.example.",
        "In C:\\Temp, 3://4.",
        "Soup [1][2], trout [1] [2].",
    ],
)
def test_what_is_no_link_stays_as_it_is(text: str) -> None:
    assert without_links(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "[x][1[1]](//evil.example)",
        "<[1]script>alert(1)<[1]/script>",
        "<[1]a href=//evil.example>x",
        "java[1]script:alert(1)",
        "ht[1]tps://evil.example",
        "www[1].evil.example",
        "[ref[1]]: //evil.example",
    ],
)
def test_a_number_taken_out_does_not_close_a_link(text: str) -> None:
    shown = "".join(claim.before + claim.text for claim in read_claims(text, passages=2))
    assert not links_in(shown), shown


@pytest.mark.parametrize(
    "piece", ["[", "<", "<a ", "<!--", "[a](", "[a]((", "http://", "<a b=", "[1]", "a:", "https://(a", "\n> "]
)
def test_a_very_long_hostile_text_is_read(piece: str) -> None:
    assert not links_in("".join(claim.text for claim in read_claims(piece * 5000, passages=1)))


LINK = re.compile(
    r"\]\(|^[ >*+-]*\[[^\[\]\n]+\]:|[a-z]://|<[a-z/!?]|(?<![a-z0-9])(?:javascript|mailto|https?):\w|(?<![a-z0-9])www\.\w",
    re.IGNORECASE | re.MULTILINE,
)


def links_in(text: str) -> list[str]:
    """Return what Markdown, HTML or a reader that looks for addresses would make a link of."""
    return LINK.findall(text)


PIECES = [
    *(
        "soup",
        "The",
        "。",
        " ",
        "\n",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "!",
        ":",
        "/",
        '"',
        "'",
        "`",
        "<!--",
        "-->",
    ),
    *("//evil.example", "https:", "www.", "javascript:", "mailto:", "a href=", "script"),
    *("[1]", "[2]", "[9]", "[1, 9]", "[x]"),
]
hostile = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@settings(max_examples=400, deadline=None)
@given(hostile)
@example("[x。](//evil.example)")
def test_no_link_of_any_form_is_left_in_a_claim(text: str) -> None:
    claims = read_claims(text, passages=2)
    assert not links_in(without_links(text))
    assert not [claim.text for claim in claims if links_in(claim.text)]


@settings(max_examples=200, deadline=None)
@given(hostile)
def test_taking_links_out_twice_changes_nothing_more(text: str) -> None:
    assert without_links(without_links(text)) == without_links(text)


WORDS = ["soup", "trout", "The", "canteen", "francs.", "Franken!", "opens", "e.g.", "\n", "\n\n", '"', "(", ")", "- ",
         "[1]", "[2]", "[1, 3]", "[9]", "[0]", "[", "]", "[[4]", "5]", ",", "[2024]", "。", "🦘", "[٢]"]  # fmt: skip
answers = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join) | st.text("[]123 ,;.\nSa", max_size=40)


@settings(max_examples=200, deadline=None)
@given(text=answers, passages=st.integers(0, 4))
def test_every_number_is_accounted_for_and_none_is_left_in_the_text(text: str, passages: int) -> None:
    claims = read_claims(text, passages=passages)
    for claim in claims:
        assert not re.search(r"\[\s*\d{1,3}\s*\]", claim.text)
        assert all(1 <= number <= passages for number in claim.named)
        assert len(set(claim.named)) == len(claim.named)
        assert all(not 1 <= number <= passages for number in claim.invented)
    plain = [part for part in re.split(r"[\[\]\d,;\s]+", text) if part]
    said = " ".join(claim.text for claim in claims)
    assert [part for part in re.split(r"[\[\]\d,;\s]+", said) if part] == plain


@pytest.mark.parametrize(
    ("text", "left"), [("Smith [7] says.", "Smith (7) says."), ("[1, 2]", "(1, 2)"), ("[2024]", "[2024]")]
)
def test_numbers_of_a_quotation_do_not_pass_for_citations(text: str, left: str) -> None:
    assert unmarked(text) == left
