"""Groups of questions: by what they are, and by what the searches found."""

from __future__ import annotations

from asking_world import BIRDS, LEAVE, LUNCH, QUESTIONS, TEXTS, given, said

from ragraft.compare.evidence import evidence_places
from ragraft.compare.results import Said
from ragraft.compare.strata import strata_of

PLACES = evidence_places(QUESTIONS, text_of=TEXTS.get)
ALL = (given("hours.md"), given("leave.md"))


def strata(**answers: tuple[Said, ...]) -> dict[str, tuple[str, ...]]:
    return strata_of(answers, QUESTIONS, places=PLACES)


def searched(*documents: str) -> tuple[Said, ...]:
    """Return what a system said that was given these documents, one for each question."""
    return tuple(
        said(question, "x", given=(given(document),) if document else ())
        for question, document in zip(QUESTIONS, documents, strict=True)
    )


PLAIN = searched("", "", "")


def test_questions_are_grouped_by_what_they_are() -> None:
    assert strata(plain=PLAIN) == {
        "answerable": ("leave", "lunch"),
        "unanswerable": ("birds",),
        "kind: number": ("leave",),
        "kind: time": ("lunch",),
    }


def test_questions_are_grouped_by_whether_the_evidence_was_found() -> None:
    found = strata(rag=searched("leave.md", "leave.md", "hours.md"), plain=PLAIN)
    assert (found["evidence found"], found["evidence missed"]) == (("leave",), ("lunch",))
    assert not any(name.startswith("evidence found by") for name in found)


def test_what_one_search_found_was_found() -> None:
    found = strata(
        a=searched("leave.md", "leave.md", "hours.md"), b=searched("hours.md", "hours.md", "leave.md")
    )
    assert found["evidence found"] == ("leave", "lunch")
    assert "evidence missed" not in found
    assert (found["evidence found by a"], found["evidence missed by a"]) == (("leave",), ("lunch",))
    assert (found["evidence found by b"], found["evidence missed by b"]) == (("lunch",), ("leave",))


def test_searches_that_found_the_same_are_one_group() -> None:
    found = strata(
        a=searched("leave.md", "leave.md", "hours.md"), b=searched("leave.md", "leave.md", "leave.md")
    )
    assert (found["evidence found"], found["evidence missed"]) == (("leave",), ("lunch",))
    assert not any(" by " in name for name in found)


def test_a_part_of_a_document_without_the_evidence_does_not_count() -> None:
    part = (said(LEAVE, "x", given=(given("leave.md", 0, 5),)), *searched("", "hours.md", "")[1:])
    assert strata(rag=part)["evidence missed"] == ("leave",)


def test_who_is_given_the_same_for_all_questions_does_not_search() -> None:
    everything = tuple(said(one, "x", given=ALL) for one in QUESTIONS)
    assert not any(name.startswith("evidence") for name in strata(long=everything, plain=PLAIN))


def test_evidence_that_is_not_in_the_documents_is_neither_found_nor_missed() -> None:
    found = strata_of(
        {"rag": searched("leave.md", "hours.md", "hours.md")}, QUESTIONS, places={"leave": PLACES["leave"]}
    )
    assert found["evidence found"] == ("leave",)
    assert "evidence missed" not in found
    assert BIRDS.id in found["unanswerable"] and LUNCH.id in found["answerable"]
