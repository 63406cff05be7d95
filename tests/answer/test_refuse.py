"""The words of a refusal, and the documents that came nearest."""

from __future__ import annotations

import pytest
from answer_world import passage

from ragraft.answer.refuse import MOST_NEAREST, nearest_documents, refusal_text


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["Lyon"], "None of the nearest passages mentions “Lyon”."),
        (["Lyon", "hotel"], "None of the nearest passages mentions “Lyon” or “hotel”."),
        (["a1", "b2", "c3"], "None of the nearest passages mentions “a1”, “b2” or “c3”."),
        (["a1", "b2", "c3", "d4", "e5"], "None of the nearest passages mentions “a1”, “b2”, “c3” or “d4”."),
        ([], "do not state the answer."),
    ],
)
def test_a_refusal_says_what_is_missing(missing: list[str], said: str) -> None:
    assert refusal_text(missing).endswith(said)


def test_each_near_document_is_named_once_by_its_first_passage() -> None:
    passages = [passage(f"Text {at}.", uri=uri) for at, uri in enumerate("aababcde")]
    nearest = nearest_documents(passages)
    assert nearest == (passages[0], passages[2], passages[5])
    assert len(nearest) == MOST_NEAREST


def test_nothing_found_is_near_nothing() -> None:
    assert nearest_documents([]) == ()
