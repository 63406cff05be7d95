"""Random histories of a library: whatever was done, rows, counts, labels and times agree."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ragraft.access.labels import OWNER
from ragraft.database.pool import Connection, scalar
from ragraft.documents.chunk import DocumentChunker
from ragraft.documents.collection import open_collection
from ragraft.documents.library import Library
from ragraft.documents.placement import choose_uri, open_folder
from ragraft.documents.write import (
    Content,
    delete_document,
    find_or_add_label,
    lock_for_writing,
    put_document,
    relabel_document,
    withdraw_document,
)
from ragraft.errors import NotFoundError
from ragraft.models.fake import FakeEmbedder
from ragraft.systems import Workbench, term_weights
from ragraft.types import AccessLabel, ParsedDocument

PATHS = st.sampled_from(["a.md", "b.md", "sub/c.md"])
WORDS = st.sampled_from(["soup", "trout", "cake", "Suppe", "Forelle", "menu"])
TEXTS = st.lists(WORDS, min_size=1, max_size=120).map(" ".join)
LANGUAGES = st.sampled_from(["en", "de", ""])
LABELS = st.frozensets(st.sampled_from(["staff", "board", "everyone"])).map(AccessLabel)

BROKEN = {
    "counts of terms": """
        (select term, label, chunks from term_count where collection = %(c)s and chunks <> 0)
        except (select term, label, count(*) from chunk_terms, unnest(term_ids) term where collection = %(c)s group by 1, 2)
        """,
    "counted terms": """
        (select term, label, count(*) from chunk_terms, unnest(term_ids) term where collection = %(c)s group by 1, 2)
        except (select term, label, chunks from term_count where collection = %(c)s)
        """,
    "counts of languages": """
        (select label, language, chunks from language_count where collection = %(c)s and chunks <> 0)
        except (select label, language, count(*) from chunk_terms where collection = %(c)s group by 1, 2)
        """,
    "counted languages": """
        (select label, language, count(*) from chunk_terms where collection = %(c)s group by 1, 2)
        except (select label, language, chunks from language_count where collection = %(c)s)
        """,
    "labels": """
        select t.document from (
            select document, label from chunk where collection = %(c)s
            union select document, label from chunk_vector where collection = %(c)s
            union select document, label from chunk_terms where collection = %(c)s
            union select document, label from archived_chunk where collection = %(c)s
            union select document, label from revision where collection = %(c)s) t
        left join document d on d.collection = %(c)s and d.id = t.document
        where d.label is distinct from t.label
        """,
    "passages of the current revision": """
        select d.id from document d where collection = %(c)s
        and (select count(*) from chunk k where k.collection = %(c)s and k.document = d.id and k.revision = d.revision)
            <> case when removed_at is null then d.chunks else 0 end
        """,
    "passages of other revisions": """
        select k.id from chunk k join document d on d.collection = k.collection and d.id = k.document
        where k.collection = %(c)s and (k.revision <> d.revision or d.removed_at is not null)
        """,
    "vectors": """
        select coalesce(k.id, v.id) from (select * from chunk where collection = %(c)s) k
        full join (select * from chunk_vector where collection = %(c)s) v on (v.id, v.document) = (k.id, k.document)
        where k.id is null or v.id is null
        """,
    "terms": """
        select coalesce(k.id, v.id) from (select * from chunk where collection = %(c)s) k
        full join (select * from chunk_terms where collection = %(c)s) v on (v.id, v.document) = (k.id, k.document)
        where k.id is null or v.id is null
        """,
    "open revisions": """
        select d.id from document d where collection = %(c)s
        and (select array_agg(number) from revision r where r.collection = %(c)s and r.document = d.id and valid_to is null)
            is distinct from case when removed_at is null then array[d.revision] end
        """,
    "overlapping revisions": """
        select r.document from revision r join revision s on (r.collection, r.document) = (s.collection, s.document)
        where r.collection = %(c)s and r.number < s.number and coalesce(r.valid_to, 'infinity') > s.valid_from
        """,
    "passages of closed revisions": """
        select r.document from revision r where collection = %(c)s and
        exists (select from archived_chunk a
                where (a.collection, a.document, a.revision) = (r.collection, r.document, r.number))
            = (valid_to is null)
        """,
}  # fmt: skip
"""Queries that find rows that do not agree; none may find any."""


def broken_rules(connection: Connection, collection: int) -> list[str]:
    exist = " union all ".join(f"select '{what}' where exists ({query})" for what, query in BROKEN.items())
    return [what for (what,) in connection.execute(exist.encode(), {"c": collection}).fetchall()]


class LibraryHistory(RuleBasedStateMachine):
    """Adds, replaces, removes, relabels and deletes; `documents` and `past` say what should be there."""

    bench: Workbench
    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        name = f"history {next(self.numbers)}"
        self.collection = open_collection(
            self.bench.database, name=name, embedder="fake-embedder", dimensions=64
        ).id
        self.library = Library(database=self.bench.database, audit=self.bench.audit, collection=name)
        self.embedder = FakeEmbedder()
        self.chunker = DocumentChunker(count_tokens=self.embedder.count_tokens, max_tokens=32)
        self.documents: dict[str, tuple[str, AccessLabel]] = {}
        self.past: list[tuple[datetime, dict[str, str]]] = []

    @rule(path=PATHS, text=TEXTS, language=LANGUAGES, label=LABELS)
    def put(self, path: str, text: str, language: str, label: AccessLabel) -> None:
        parsed = ParsedDocument(text, "title", "text/plain", language)
        chunks = self.chunker.chunk(parsed)
        content = Content(
            parsed,
            text.encode(),
            chunks,
            self.embedder.embed([chunk.full_text for chunk in chunks]),
            [term_weights(chunk.full_text, language) for chunk in chunks],
        )
        with self._writing() as connection:
            target = open_folder(connection, self.collection, Path("/docs"))
            put_document(
                connection,
                collection=self.collection,
                source=target.source,
                path=path,
                uri=choose_uri(connection, self.collection, target, path),
                label=find_or_add_label(connection, self.collection, label),
                content=content,
            )
        self.documents[path] = (text, label)

    @precondition(lambda self: self.documents)
    @rule(pick=st.integers(0, 9), label=LABELS)
    def relabel(self, pick: int, label: AccessLabel) -> None:
        path = self._pick(pick)
        with self._writing() as connection:
            number = find_or_add_label(connection, self.collection, label)
            assert relabel_document(connection, self.collection, self._number(connection, path), number)
        self.documents[path] = (self.documents[path][0], label)

    @precondition(lambda self: self.documents)
    @rule(pick=st.integers(0, 9))
    def withdraw(self, pick: int) -> None:
        path = self._pick(pick)
        with self._writing() as connection:
            number = self._number(connection, path)
            assert withdraw_document(connection, self.collection, number)
            assert not withdraw_document(connection, self.collection, number)
        del self.documents[path]

    @rule(path=PATHS)
    def delete(self, path: str) -> None:
        with self._writing() as connection:
            row = connection.execute(
                "select id from document where collection = %s and path = %s", (self.collection, path)
            ).fetchone()
            if row is not None:
                delete_document(connection, self.collection, row[0], live=path in self.documents)
        self.documents.pop(path, None)
        for _, then in self.past:
            then.pop(path, None)

    @invariant()
    def nothing_disagrees(self) -> None:
        with self.bench.database.transaction(OWNER) as connection:
            assert broken_rules(connection, self.collection) == []
            self.past.append(
                (
                    scalar(connection, "select clock_timestamp()"),
                    {p: t for p, (t, _) in self.documents.items()},
                )
            )

    def teardown(self) -> None:
        listed = {one.uri: one.label for one in self.library.documents(OWNER)}
        assert listed == {path: label for path, (_, label) in self.documents.items()}
        for moment, texts in self.past[::3]:
            for path in ("a.md", "b.md", "sub/c.md"):
                assert self._text(path, moment) == texts.get(path)

    def _writing(self) -> Any:
        return Writing(self.bench, self.collection)

    def _pick(self, number: int) -> str:
        return sorted(self.documents)[number % len(self.documents)]

    def _number(self, connection: Connection, path: str) -> int:
        return int(
            scalar(
                connection,
                "select id from document where collection = %s and path = %s",
                (self.collection, path),
            )
        )

    def _text(self, uri: str, moment: datetime) -> str | None:
        try:
            return self.library.revision(uri, caller=OWNER, as_of=moment).text
        except NotFoundError:
            return None


class Writing:
    """A transaction that holds the collection's write lock."""

    def __init__(self, bench: Workbench, collection: int) -> None:
        self._transaction = bench.database.transaction(OWNER)
        self._collection = collection

    def __enter__(self) -> Connection:
        connection = self._transaction.__enter__()
        lock_for_writing(connection, self._collection)
        return connection

    def __exit__(self, *error: Any) -> None:
        self._transaction.__exit__(*error)


def test_after_any_history_rows_counts_labels_and_times_agree(bench: Workbench) -> None:
    LibraryHistory.bench = bench
    run_state_machine_as_test(
        LibraryHistory,
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_checks_find_what_does_not_agree(bench: Workbench, dsn: str) -> None:
    LibraryHistory.bench = bench
    history = LibraryHistory()
    history.put("a.md", "soup trout cake", "en", AccessLabel())
    history.put("a.md", "soup", "en", AccessLabel())
    broken = {
        "counts of terms": "update term_count set chunks = chunks + 1",
        "counted terms": "delete from term_count",
        "counts of languages": "update language_count set chunks = chunks + 1",
        "counted languages": "delete from language_count",
        "labels": "update archived_chunk set label = label + 1",
        "passages of the current revision": "delete from chunk",
        "passages of other revisions": "update chunk set revision = 7",
        "vectors": "delete from chunk_vector",
        "terms": "delete from chunk_terms",
        "open revisions": "update revision set valid_to = now()",
        "overlapping revisions": "update revision set valid_to = 'infinity'",
        "passages of closed revisions": "delete from archived_chunk",
    }
    assert set(broken) == set(BROKEN)
    with psycopg.connect(dsn, options="-c search_path=ragraft,public") as connection:
        for what, statement in broken.items():
            with connection.transaction(force_rollback=True):
                connection.execute(statement.encode())
                assert what in broken_rules(connection, history.collection)
