"""Searching: whatever is asked, the answer is a ranking of what the caller may read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ragraft.access.labels import OWNER
from ragraft.errors import WorkspaceError
from ragraft.models.fake import FakeChatModel, FakeEmbedder, FakeReranker
from ragraft.systems import Workbench
from ragraft.types import Passage
from ragraft.workspace import Workspace
from small_world import STRANGER, add, add_files, found, member, own_library, write_files

SOUP = "# Soup\n\nLentil soup with carrots is served on Monday to everybody who comes before noon."
FISH = "# Fish\n\nTrout with almonds is served on Friday, and pike whenever the lake allows for it."
RULE = "# The rule\n\nIt is what it is, and that is that, for this is not the one that it was."
SUPPE = "# Suppe\n\nLinsensuppe mit Karotten gibt es am Montag für alle, die vor zwölf Uhr kommen."
DOCUMENTS = {"soup.md": SOUP, "fish.md": FISH, "rule.md": RULE, "suppe.md": SUPPE}


@pytest.fixture(scope="module")
def library(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    folder = tmp_path_factory.mktemp("search")
    with own_library(server_dsn, template, folder) as bench:
        add_files(bench, folder / "docs", DOCUMENTS, "everyone")
        yield bench


def search(bench: Workbench, query: str, *, limit: int = 10) -> list[Passage]:
    return bench.retriever.retrieve(query, limit=limit, caller=OWNER)


ODD_QUERIES = {
    "nothing": "",
    "spaces": " \n\t\u00a0 ",
    "stop words": "the is and that of it",
    "punctuation": "?!.,;:-()[]{}\"'`~@#$%^&*+=|\\/<>",
    "a NUL character": "soup\0trout",
    "a lone surrogate": "soup \ud800 trout",
    "emoji": "🍲🐟👨\u200d👩\u200d👧",
    "control characters": "\x01\x02\x1b[31msoup\x7f",
    "SQL": "'; drop table ragraft.document; -- soup",
    "SQL operators": "soup & !trout | (pike <-> lake) :* ~ %s %(x)s {} $1",
    "a percent sign": "100% %s %%",
    "a right-to-left override": "\u202esoup\u202d",
    "one letter": "s",
    "a number": "1,000,000.00",
    "Chinese": "汤和鱼",
    "Arabic with points": "حَسَاء العَدَس",
    "words nobody has": "xylophone quokka",
}


@pytest.mark.parametrize("kind", ODD_QUERIES)
def test_an_odd_query_gives_a_ranking_and_harms_nothing(kind: str, library: Workbench) -> None:
    query = ODD_QUERIES[kind]
    passages = search(library, query)
    assert [passage.uri for passage in passages] == [passage.uri for passage in search(library, query)]
    assert len(passages) == (4 if query.strip() else 0)
    assert library.library.status(OWNER).documents == 4


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "query",
    ["soup " * 20_000, " ".join(f"word{number}" for number in range(12_000)), "x" * 100_000, "🍲" * 30_000],
    ids=["one word", "many words", "no spaces", "emoji"],
)
def test_a_query_of_a_hundred_kilobytes(query: str, library: Workbench) -> None:
    assert len(search(library, query)) == 4


def test_the_passage_with_the_words_of_the_query_comes_first(library: Workbench) -> None:
    assert found(library, "trouts served with an almond")[0] == "fish.md"


def test_a_german_query_finds_german_and_an_english_one_english(library: Workbench) -> None:
    assert found(library, "Linsensuppen mit Karotte am Montag")[0] == "suppe.md"
    assert found(library, "lentils and carrots on Mondays")[0] == "soup.md"


def test_an_empty_library_gives_nothing(bench: Workbench) -> None:
    assert search(bench, "soup") == []


def test_a_caller_who_sees_nothing_gets_nothing(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "docs", DOCUMENTS, "board")
    for query in ("soup", *ODD_QUERIES.values()):
        assert bench.retriever.retrieve(query, limit=10, caller=STRANGER) == []


@pytest.mark.parametrize("limit", [0, 1, 3, 4, 1000])
def test_at_most_limit_passages_are_returned(limit: int, library: Workbench) -> None:
    assert len(search(library, "soup", limit=limit)) == min(limit, 4)


def test_a_smaller_limit_gives_the_beginning_of_a_larger(library: Workbench) -> None:
    whole = [passage.uri for passage in search(library, "soup trout")]
    assert [passage.uri for passage in search(library, "soup trout", limit=2)] == whole[:2]


def test_scores_fall(library: Workbench) -> None:
    scores = [passage.score for passage in search(library, "lentil soup")]
    assert scores == sorted(scores, reverse=True)


def test_equal_passages_come_in_the_same_order_each_time(bench: Workbench, tmp_path: Path) -> None:
    names = [f"{number:02}.md" for number in range(12)]
    add_files(bench, tmp_path / "docs", dict.fromkeys(names, SOUP), "everyone")
    for _ in range(3):
        assert found(bench, "lentil soup") == names[:10]


def test_a_passage_is_an_exact_stretch_of_its_revision(bench: Workbench, tmp_path: Path) -> None:
    text = "\n\n".join(f"# Part {number}\n\n{SOUP} {'More words. ' * 60}" for number in range(5))
    add_files(bench, tmp_path / "docs", {"long.md": text, "soup.md": SOUP})
    passages = search(bench, "lentil soup", limit=30)
    assert len(passages) > 5
    for passage in passages:
        whole = bench.library.revision_text(passage.uri, passage.revision, caller=OWNER)
        assert whole[passage.chunk.start : passage.chunk.end] == passage.chunk.text


def test_one_document_is_found_by_words_that_only_its_title_has(bench: Workbench, tmp_path: Path) -> None:
    add_files(
        bench, tmp_path / "docs", {"a.md": "# Zirconium\n\nIt is grey.", "b.md": "# Tin\n\nIt is grey."}
    )
    assert found(bench, "zirconium")[0] == "a.md"


def test_a_collection_embedded_by_another_model_is_refused(library: Workbench) -> None:
    other = Workbench(library.workspace, embedder=FakeEmbedder(name="other-model"), model=FakeChatModel())
    with other, pytest.raises(WorkspaceError, match="embedded with fake-embedder, but other-model") as caught:
        search(other, "soup")
    assert caught.value.hint is not None


def test_labels_do_not_mix_languages_up(bench: Workbench, tmp_path: Path) -> None:
    add_files(bench, tmp_path / "en", {"soup.md": SOUP}, "staff")
    add_files(bench, tmp_path / "de", {"suppe.md": SUPPE}, "guests")
    assert found(bench, "Linsensuppe am Montag", member("staff")) == ["soup.md"]
    assert found(bench, "Linsensuppe am Montag", member("staff", "guests"))[0] == "suppe.md"


# The second look


class LastFirst:
    """A reranker that prefers what it was given last."""

    name = "last-first"

    def __init__(self) -> None:
        self.given: list[tuple[str, list[str]]] = []

    def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        self.given.append((query, list(texts)))
        return [float(number) for number in range(len(texts))]


def reranked(workspace: Workspace, reranker: LastFirst | FakeReranker) -> Workbench:
    return Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel(), reranker=reranker)


def test_a_reranker_has_the_last_word_on_the_order(library: Workbench) -> None:
    plain = [passage.uri for passage in search(library, "lentil soup")]
    with reranked(library.workspace, LastFirst()) as bench:
        passages = search(bench, "lentil soup")
    assert [passage.uri for passage in passages] == plain[::-1]
    assert [passage.score for passage in passages] == [3.0, 2.0, 1.0, 0.0]


def test_a_reranker_looks_deeper_than_the_limit(library: Workbench) -> None:
    reranker = LastFirst()
    last = search(library, "lentil soup")[-1].uri
    with reranked(library.workspace, reranker) as bench:
        assert [passage.uri for passage in search(bench, "lentil soup", limit=1)] == [last]
    ((query, texts),) = reranker.given
    assert (query, len(texts)) == ("lentil soup", 4)


def test_a_reranker_reads_passages_with_their_context(library: Workbench) -> None:
    reranker = LastFirst()
    with reranked(library.workspace, reranker) as bench:
        search(bench, "lentil soup")
    assert reranker.given[0][1][0].startswith("Soup\n")


def test_a_reranker_is_not_asked_about_nothing(workspace: Workspace) -> None:
    reranker = LastFirst()
    with reranked(workspace, reranker) as bench:
        assert search(bench, "lentil soup") == []
    assert reranker.given == []


def test_equal_scores_of_a_reranker_keep_the_order_of_the_search(library: Workbench) -> None:
    plain = [passage.uri for passage in search(library, "xylophone")]
    with reranked(library.workspace, FakeReranker()) as bench:
        assert [passage.uri for passage in search(bench, "xylophone")] == plain


# What the audit is told


def test_an_owner_is_denied_nothing(library: Workbench) -> None:
    search(library, "soup")
    assert library.audit.entries(limit=1)[0].detail["denied"] == []


def test_searches_beside_each_other_do_not_mix_callers_up(bench: Workbench, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    write_files(tmp_path / "a", {"soup.md": SOUP})
    add(bench, tmp_path / "a", "staff")
    add_files(bench, tmp_path / "b", {"fish.md": FISH}, "guests")
    callers = [member("staff"), member("guests"), STRANGER, OWNER] * 10
    expected = [{"soup.md"}, {"fish.md"}, set(), {"soup.md", "fish.md"}] * 10
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda caller: set(found(bench, "served", caller)), callers))
    assert results == expected
