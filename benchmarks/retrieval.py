"""nDCG@10 of the real search on four judged collections, beside its own legs, plain fusion and bm25s.

Each collection becomes a library of its own: one file per document, added by Sync into an embedded
PostgreSQL, weights calibrated as `ragraft add` does it. A document too long for one passage is cut, and
ranks at the place of its best passage. The legs are the search's own, read before they are fused; plain
RRF fuses the same legs with equal weights and k = 60. bm25s is given whole documents, title and text.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.figures import Figure, Report, at_least, at_most, run, say
from benchmarks.ground import SETS, Ground, mean, ndcg
from benchmarks.legs import search_with_legs
from benchmarks.rankings import Bm25s, best_passages, paired_interval, plain_rrf
from benchmarks.world import add_texts, calibrate, new_library
from ragraft.access.labels import OWNER
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.files import EMBEDDER_NAME, embedder_folder
from ragraft.protocols import Embedder
from ragraft.systems import Workbench

TARGETS = {"cranfield": 0.44, "xquad en": 0.970, "xquad de": 0.93, "pubmedqa": 0.985}
MOST_BELOW_BETTER_LEG = 0.005

PASSAGES = 60
"""Enough for ten documents, however many passages of one are found."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Which collections, and how many queries and documents of each at most."""

    sets: tuple[str, ...] = tuple(SETS)
    queries: int | None = None
    documents: int | None = None


QUICK = Scale(queries=60, documents=300)


@dataclass(frozen=True, slots=True)
class Scores:
    """nDCG@10 of each query, by ranking."""

    by_ranking: Mapping[str, Sequence[float]]
    clusters: Sequence[str]
    weights: Mapping[str, Mapping[str, float]]

    def mean(self, ranking: str) -> float:
        """Return the ranking's mean."""
        return mean(self.by_ranking[ranking])


def measure(scale: Scale, *, embedder: Embedder) -> Report:
    """Return the figures of each collection."""
    report = Report(settings={"queries": scale.queries or "all", "documents": scale.documents or "all"})
    report.detail = {"weights": {}}
    for name in scale.sets:
        ground = part_of(SETS[name](), queries=scale.queries, documents=scale.documents)
        say(f"{name}: {len(ground.documents)} documents, {len(ground.queries)} queries")
        scores = score(ground, embedder)
        report.add(*_figures(name, scores))
        report.detail["weights"][name] = scores.weights
    return report


def part_of(ground: Ground, *, queries: int | None, documents: int | None) -> Ground:
    """Return queries from all over the collection, what is relevant to them, and others up to a number."""
    judged = {key: text for key, text in ground.queries.items() if ground.relevant.get(key)}
    known = {document.id for document in ground.documents}
    asked = dict(list(judged.items())[:: max(1, len(judged) // (queries or len(judged)))][:queries])
    needed = {key for query in asked for key in ground.relevant[query]} & known
    others = [document.id for document in ground.documents if document.id not in needed]
    kept = needed | set(others[: max(0, (documents or len(known)) - len(needed))])
    return replace(ground, queries=asked, documents=tuple(one for one in ground.documents if one.id in kept))


def score(ground: Ground, embedder: Embedder) -> Scores:
    """Return what every ranking scores on a collection."""
    rankings, weights = _rank_in_library(ground, embedder)
    rankings["bm25s"] = _rank_with_bm25s(ground)
    by_ranking = {
        name: [
            ndcg(ranking, ground.relevant[query])
            for query, ranking in zip(ground.queries, found, strict=True)
        ]
        for name, found in rankings.items()
    }
    return Scores(by_ranking, [_cluster(query, ground) for query in ground.queries], weights)


def _rank_in_library(
    ground: Ground, embedder: Embedder
) -> tuple[dict[str, list[list[str]]], Mapping[str, Mapping[str, float]]]:
    with new_library(embedder=embedder) as bench:
        added = add_texts(bench, ground.documents)
        say(f"{ground.name}: {added.chunks} passages in {added.seconds:.0f} s")
        calibrate(bench)
        names = _documents_by_passage(bench)
        found = [search_with_legs(bench.search, query, limit=PASSAGES) for query in ground.queries.values()]
        pairs = [(legs["dense"], legs["lexical"]) for _, legs in found]
        rankings = {
            "ours": [
                list(dict.fromkeys(_id_of(passage.uri) for passage in passages)) for passages, _ in found
            ],
            "dense": [best_passages(dense, names) for dense, _ in pairs],
            "lexical": [best_passages(lexical, names) for _, lexical in pairs],
            "plain RRF": [best_passages(plain_rrf(pair), names) for pair in pairs],
        }
        return rankings, bench.library.status(OWNER).weights


def _documents_by_passage(bench: Workbench) -> dict[int, str]:
    with bench.database.transaction(OWNER, read_only=True) as connection:
        rows = connection.execute(
            "select c.id, d.uri from chunk c join document d on (d.collection, d.id) = (c.collection, c.document)"
        ).fetchall()
    return {passage: _id_of(uri) for passage, uri in rows}


def _id_of(uri: str) -> str:
    return uri.removesuffix(".txt")


def _rank_with_bm25s(ground: Ground) -> list[list[str]]:
    texts = [f"{one.title}\n{one.text}".strip() for one in ground.documents]
    found = Bm25s(texts, language=ground.language).rank(list(ground.queries.values()))
    return [[ground.documents[at].id for at in ranking] for ranking in found]


def _cluster(query: str, ground: Ground) -> str:
    """Questions about one paragraph belong together; a query with many relevant documents stands alone."""
    relevant = ground.relevant[query]
    return next(iter(relevant)) if len(relevant) == 1 else f"query {query}"


def _figures(name: str, scores: Scores) -> list[Figure]:
    better = max(("dense", "lexical"), key=scores.mean)
    low, high = paired_interval(
        scores.by_ranking["ours"], scores.by_ranking[better], clusters=scores.clusters
    )
    return [
        Figure(
            f"{name} nDCG@10",
            scores.mean("ours"),
            target=at_least(TARGETS[name]),
            reference="bm25s",
            reference_value=scores.mean("bm25s"),
        ),
        Figure(f"{name} dense leg alone", scores.mean("dense")),
        Figure(f"{name} lexical leg alone", scores.mean("lexical")),
        Figure(f"{name} plain RRF of both", scores.mean("plain RRF")),
        Figure(
            f"{name} under the better leg",
            max(0.0, scores.mean(better) - scores.mean("ours")),
            target=at_most(MOST_BELOW_BETTER_LEG),
            note=f"{better}; ours minus it: {low:+.4f} to {high:+.4f} with 95 %",
        ),
    ]


def _measure(chosen: argparse.Namespace) -> Report:
    embedder = OpenVinoEmbedder(embedder_folder(), name=EMBEDDER_NAME)
    return measure(QUICK if chosen.quick else Scale(), embedder=embedder)


if __name__ == "__main__":
    sys.exit(run("retrieval", _measure, about="nDCG@10 on four judged collections"))
