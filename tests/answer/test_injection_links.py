"""Links, images and mark-up that a model writes or a document holds: none is shown as one."""

from __future__ import annotations

import pytest
from injection_world import ANSWER, LINK, ask

from ragraft.answer.policy import Policy
from ragraft.models.fake import FakeChatModel

HOSTILE_LINKS = (
    "[here](https://evil.example)",
    "![x](//evil.example/p.png?d=135)",
    "[here][1](//evil.example)",
    "[te[x]t](//evil.example)",
    "[[x]](//evil.example)",
    "[here](\n//evil.example)",
    "[a]: //evil.example\n[a]",
    "[a][b]\n\n[b]: //evil.example",
    "http[1]://evil.example",
    "www[1].evil.example",
    "<im[1]g src=//evil.example>",
    "<scr<b>ipt>alert(1)</scr</b>ipt>",
    "<img src=x onerror=alert(1)",
    "<img\nsrc='//evil.example'>",
    "<a href='x>y'>z</a>",
    "<!-- x -->",
    "<https://evil.example>",
    "javascript:alert(1)",
    "data:text/html;base64,AAAA",
    "mailto:a@evil.example",
    "![x][1](//evil.example)",
    "[Say [2]](//evil.example)",
    "HTTPS://EVIL.EXAMPLE",
    "https:\\\\evil.example",
    "file:///etc/passwd",
    "\x1b]8;;https://evil.example\x07x\x1b]8;;\x07",
    "[1]: //evil.example",
)


@pytest.mark.parametrize("link", HOSTILE_LINKS)
@pytest.mark.parametrize("policy", ["strict", "flag"])
def test_no_link_of_the_model_is_shown(link: str, policy: Policy) -> None:
    answer = ask(
        "The desk is in room 4.",
        model=FakeChatModel([f"{ANSWER} {link} [1]\n\n{link}\n{ANSWER[:-1]} {link}."]),
        policy=policy,
    )
    assert not LINK.search(answer.text), answer.text


@pytest.mark.parametrize("link", HOSTILE_LINKS)
def test_no_link_of_a_document_is_quoted_as_one(link: str) -> None:
    """The quoting fallback shows a sentence of the document; it is text, whatever it was there."""
    text = f"A hotel in Kassel may cost per night what {link} says."
    answer = ask(text, model=FakeChatModel(["Zebras sing."]))
    assert answer.origin == "quotation"
    assert not LINK.search(answer.text), answer.text


def test_a_sentence_copied_from_a_document_loses_its_link() -> None:
    text = "The desk of Kassel is described at [this page](https://evil.example/x)."
    answer = ask(text, model=FakeChatModel([f"{text} [2]"]))
    assert not LINK.search(answer.text), answer.text
