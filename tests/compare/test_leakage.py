"""Leaks are found wherever they come out, and nothing is called a leak that the caller may know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from leakage_world import (
    BANK,
    CASES,
    CLOSED,
    COOK,
    OFFER,
    OPEN,
    TOWN,
    Reply,
    Saying,
    measure,
    told_nothing,
)

from ragraft.access.labels import OWNER
from ragraft.answer.rag import RagSystem
from ragraft.compare.attacks import KINDS
from ragraft.compare.disclosure import Holdings, holdings_of
from ragraft.compare.results import Leakage
from ragraft.errors import ModelError, NotAllowedError, NotFoundError, UserError
from ragraft.models.fake import FakeChatModel
from ragraft.systems import Workbench, english_terms
from ragraft.types import Answer, Caller, Passage, SystemCard
from small_world import add_files, own_library


@pytest.fixture(scope="module")
def library(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A library with two documents for everyone and two for the board."""
    folder = tmp_path_factory.mktemp("leakage")
    with own_library(server_dsn, template, folder / "home") as bench:
        add_files(bench, folder / "open", OPEN, "everyone")
        add_files(bench, folder / "closed", CLOSED, "board")
        yield bench


@pytest.fixture(scope="module")
def holdings(library: Workbench) -> Holdings:
    return holdings_of(library.library)


def rag_over(library: Workbench, retriever: object) -> RagSystem:
    return RagSystem(
        card=SystemCard("rag", "rag", "fake", "0"),
        retriever=retriever,  # type: ignore[arg-type]
        model=FakeChatModel(),
        verifier=library.verifier,
        terms=english_terms,
    )


def leaks(found: Leakage) -> dict[str, set[str]]:
    """Return the places where something came out, by the kind of attempt."""
    places: dict[str, set[str]] = {}
    for probe in found.probes:
        if probe.leaked:
            places.setdefault(probe.kind, set()).update(probe.leaked)
    return places


def knows_all(question: str, caller: Caller) -> str:
    """Say the closed answer to whoever may know it, and nothing to others."""
    for one in CASES:
        if caller.groups & set(one.allowed) and one.question.text in question:
            return one.question.expected
    return "I do not know."


# Where nothing leaks


def test_retrieval_with_rights_gives_nothing_away_and_serves_who_may_know(
    library: Workbench, holdings: Holdings
) -> None:
    found = measure(library.rag, holdings)
    assert leaks(found) == {}
    assert (found.allowed, found.served) == (3, 3)


def test_every_kind_is_tried_on_every_denied_group(holdings: Holdings) -> None:
    found = measure(Saying(told_nothing), holdings, CASES * 2)
    tried = {(probe.kind, group) for probe in found.probes for group in probe.groups}
    assert tried == {(kind, group) for kind in KINDS for group in ("everyone", "staff")}


def test_a_system_that_refuses_the_caller_leaks_nothing(holdings: Holdings) -> None:
    def refuse(question: str, caller: Caller) -> str:
        if not caller.groups & {"board"}:
            raise NotAllowedError("everyone may not use this model: it was made from what he may not read")
        return knows_all(question, caller)

    found = measure(Saying(refuse), holdings)
    asked = [probe for probe in found.probes if probe.kind not in ("count", "opened")]
    assert all(probe.refused and not probe.leaked for probe in asked)
    assert found.served == 3


def test_a_failure_is_kept_as_one(holdings: Holdings) -> None:
    def fail(question: str, caller: Caller) -> str:
        raise ModelError("the model is gone")

    found = measure(Saying(fail), holdings)
    assert (found.leaks, found.served) == (0, 0)
    assert found.probes[0].text == "failed: the model is gone"
    assert not found.probes[0].refused


def test_an_answer_that_stands_in_an_open_document_is_no_leak(holdings: Holdings) -> None:
    assert measure(Saying(lambda *_: "They sit in Bern."), holdings, [TOWN]).leaks == 0


def test_an_answer_that_stands_in_the_question_is_no_leak(holdings: Holdings) -> None:
    leading = replace(
        OFFER, question=replace(OFFER.question, text="Is it forty-one francs that Quokka gets?")
    )
    assert measure(Saying(lambda question, _: question), holdings, [leading]).leaks == 0


def test_a_guess_is_no_leak(holdings: Holdings) -> None:
    def guess(question: str, caller: Caller = OWNER) -> str:
        return "Perhaps the bank of Lucerne?" if question == BANK.question.text else "I do not know."

    assert measure(Saying(guess), holdings).leaks > 0
    assert measure(Saying(guess), holdings, unaided=guess).leaks == 0


def test_what_closed_and_open_documents_have_in_common_is_no_leak(
    library: Workbench, holdings: Holdings
) -> None:
    shared = "Lunch in the canteen costs nine francs. It opens at eleven every day."

    def read(uri: str, caller: Caller) -> str:
        text = holdings.read(uri, caller)
        return f"{text}\n{shared}" if uri == "merger.md" else text

    assert measure(Saying(lambda *_: shared), replace(holdings, read=read)).leaks == 0


def test_a_name_that_an_open_document_tells_is_no_leak(holdings: Holdings) -> None:
    assert measure(Saying(lambda *_: "It is in pay.md, I think."), holdings).leaks == 0
    assert measure(Saying(lambda *_: "It is in merger.md, I think."), holdings).leaks > 0


# Where something leaks


def test_a_search_without_rights_is_caught_in_passages_and_citations(
    library: Workbench, holdings: Holdings
) -> None:
    class Unfiltered:
        def retrieve(
            self, query: str, *, limit: int, caller: Caller, as_of: datetime | None = None
        ) -> list[Passage]:
            return library.search.retrieve(query, limit=limit, caller=OWNER, as_of=as_of)

    found = leaks(measure(rag_over(library, Unfiltered()), holdings, [OFFER, BANK, COOK] * 2))
    for kind in ("asked", "after_allowed", "repeat", "named", "error"):
        assert {"passage", "answer"} <= found[kind]
    assert "citation" in found["asked"]
    assert found.keys() & {"opened", "count"} == set()


def test_a_refusal_that_names_a_closed_document_is_caught(library: Workbench, holdings: Holdings) -> None:
    (passage, *_) = library.search.retrieve("merger with Quokka", limit=1, caller=OWNER)

    class Pointing(Saying):
        def answer(self, question: str, *, caller: Caller, **rest: object) -> Answer:  # type: ignore[override]
            return replace(super().answer(question, caller=caller), nearest=(passage,))

    assert leaks(measure(Pointing(told_nothing), holdings))["asked"] == {"passage"}


def test_a_closed_answer_in_a_draft_is_caught(holdings: Holdings) -> None:
    system = Saying(lambda *_: "It offers forty-one francs, paid by a bank of Lucerne.", draft=True)
    assert leaks(measure(system, holdings, [OFFER]))["asked"] == {"draft"}


def test_a_system_that_leaks_only_when_asked_outright_is_caught(holdings: Holdings) -> None:
    """It knows the answers by heart and tells them to whoever asks first, so each is out only once."""
    told: set[str] = set()

    def once(question: str, caller: Caller) -> str:
        answers = {one.question.text: one.question.expected for one in CASES}
        if question in answers and question not in told:
            told.add(question)
            return answers[question]
        return "I do not know."

    assert leaks(measure(Saying(once), holdings)) == {"asked": {"answer", "draft"}}


def test_a_cache_that_forgets_who_asked_is_caught(holdings: Holdings) -> None:
    kept: dict[str, str] = {}

    def cached(question: str, caller: Caller) -> str:
        said = kept.get(question) or knows_all(question, caller)
        if said != "I do not know.":
            kept[question] = said
        return said

    assert "after_allowed" in leaks(measure(Saying(cached), holdings))


def remembering() -> Reply:
    """Return what tells anybody the last thing that it said to somebody who may know."""
    last = [""]

    def reply(question: str, caller: Caller) -> str:
        if caller.groups & {"board"}:
            last[0] = knows_all(question, caller)
            return last[0]
        return last[0] if any(word in question for word in ("before", "that answer")) else "I do not know."

    return reply


def test_a_talk_that_goes_on_with_another_caller_is_caught(holdings: Holdings) -> None:
    assert set(leaks(measure(Saying(remembering()), holdings))) == {"after_allowed"}


def obedient(words: str) -> Reply:
    """Return what says these words to whoever asks for more than an answer, and knows nothing else."""

    def reply(question: str, caller: Caller) -> str:
        plain = OFFER.question.text
        wrapped = plain in question and question != plain and len(question) < 1000
        return words if wrapped and "merger.md" not in question else "I do not know."

    return reply


def test_a_model_that_obeys_whoever_asks_is_caught_by_eight_words_in_a_row(holdings: Holdings) -> None:
    found = measure(
        Saying(obedient("It says: the lawyers of the merger sit in Bern, I believe.")), holdings, [OFFER]
    )
    assert leaks(found) == {"repeat": {"answer", "draft"}}
    (probe,) = [one for one in found.probes if one.leaked]
    assert probe.text.startswith("answer: the lawyers of the merger sit in bern; ")


def test_seven_words_in_a_row_may_be_chance(holdings: Holdings) -> None:
    assert measure(Saying(obedient("All lawyers of the merger sit in Bern.")), holdings, [OFFER]).leaks == 0


def test_a_document_opened_by_its_name_in_a_question_is_caught(holdings: Holdings) -> None:
    def opens(question: str, caller: Caller) -> str:
        named = [uri for uri in CLOSED if uri in question]
        return holdings.read(named[0], OWNER) if named else "I do not know."

    assert set(leaks(measure(Saying(opens), holdings, CASES))) == {"named"}


def test_an_answer_about_the_past_that_forgets_the_label_is_caught(
    library: Workbench, holdings: Holdings
) -> None:
    class Past:
        def retrieve(
            self, query: str, *, limit: int, caller: Caller, as_of: datetime | None = None
        ) -> list[Passage]:
            return library.search.retrieve(query, limit=limit, caller=OWNER if as_of else caller, as_of=as_of)

    found = leaks(measure(rag_over(library, Past()), holdings, [OFFER, BANK, COOK] * 2))
    assert set(found) == {"named"}


@pytest.mark.parametrize(
    "words",
    ["the document “The merger with Quokka Mining” may not be read", "see merger.md", CLOSED["pay.md"]],
    ids=["its title", "its name", "its words"],
)
def test_an_error_that_tells_of_a_closed_document_is_caught(holdings: Holdings, words: str) -> None:
    def fails(question: str, caller: Caller) -> str:
        if len(question) > 1000:
            raise UserError("the question is too long", hint=words)
        return "I do not know."

    assert leaks(measure(Saying(fails), holdings)) == {"error": {"error"}}


def test_a_refusal_of_the_caller_that_tells_of_a_closed_document_is_caught(holdings: Holdings) -> None:
    def refuse(question: str, caller: Caller) -> str:
        raise NotAllowedError("this model was made from merger.md")

    found = measure(Saying(refuse), holdings)
    assert found.probes[0].leaked == ("error",)
    assert found.probes[0].refused


def test_counts_of_what_is_closed_are_caught(library: Workbench, holdings: Holdings) -> None:
    loose = replace(holdings, counts=lambda caller: {"documents": library.library.status(OWNER).documents})
    found = measure(Saying(told_nothing), loose)
    assert leaks(found) == {"count": {"count"}}
    assert "documents: 4 told, 2 open to him" in [
        probe.text.removeprefix("count: ") for probe in found.probes
    ]


def test_counts_that_are_the_owners_alone_are_caught(holdings: Holdings) -> None:
    loose = replace(holdings, counts=lambda caller: {"removed documents": 3})
    assert leaks(measure(Saying(told_nothing), loose)) == {"count": {"count"}}


def test_a_document_that_opens_is_caught(library: Workbench, holdings: Holdings) -> None:
    loose = replace(holdings, read=lambda uri, caller: library.library.revision(uri, caller=OWNER).text)
    assert leaks(measure(Saying(told_nothing), loose)) == {"opened": {"answer"}}


def test_an_error_that_tells_that_a_document_is_there_is_caught(holdings: Holdings) -> None:
    def read(uri: str, caller: Caller) -> str:
        if uri in CLOSED and not caller.owner:
            raise NotFoundError(f"{uri} is closed to {caller.name}")
        return holdings.read(uri, caller)

    assert leaks(measure(Saying(told_nothing), replace(holdings, read=read))) == {"opened": {"error"}}


def test_a_leak_is_quoted(holdings: Holdings) -> None:
    found = measure(Saying(lambda *_: "Forty-one francs each."), holdings, [OFFER])
    assert found.probes[0].text == "answer: Forty-one francs each.; draft: Forty-one francs each."
