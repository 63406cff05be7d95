"""A library that an earlier version made keeps its vectors, of old revisions too, when it gets spaces."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest
from pgvector import HalfVector, SparseVector

from ragraft.access.labels import OWNER
from ragraft.database import migrate as migrating
from ragraft.database.pool import Database
from ragraft.models.fake import FakeEmbedder
from ragraft.retrieve.search import HybridRetriever
from ragraft.types import Passage

THEN = datetime(2025, 6, 1, tzinfo=UTC)

DOCUMENT = """
    select add_collection('default', 'fake-embedder', 64);
    insert into label (collection, groups) values (1, '{staff}');
    insert into source (collection, kind, location) values (1, 'folder', '/pages');
    insert into document (collection, uri, source, path, label, title, revision, content_hash, chunks, tokens, added_at)
        values (1, 'otter.md', 1, 'otter.md', 1, 'Otter', 2, '', 1, 3, '2025-07-01');
    insert into revision values
        (1, 1, 1, 1, 'Otter', 'old otter', 'en', 'text/plain', '{}', '{}', '2025-01-01', '2025-07-01'),
        (1, 1, 2, 1, 'Otter', 'new otter', 'en', 'text/plain', '{}', '{}', '2025-07-01', null);
    insert into chunk values (1, 2, 1, 2, 1, 0, 9, null, 3, '', 'new otter');
    insert into language_count values (1, 1, 'en', 1);
"""


@pytest.fixture
def old(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database of the schema before spaces, with a document of two revisions."""
    database = Database(conninfo=lambda: empty_dsn)
    steps = [step for step in migrating.known_migrations() if step.number < 3]
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "known_migrations", lambda: steps)
        migrating.migrate(database)
    vectors = FakeEmbedder().embed(["new otter", "old otter"])
    new_vector, old_vector = (HalfVector(one).to_text() for one in vectors)
    terms = SparseVector({0: 1.0}, 1_000_000_000).to_text()
    with database.administration() as connection:
        connection.execute(DOCUMENT)
        connection.execute("insert into chunk_vector values (1, 2, 1, 1, 'en', %s)", (new_vector,))
        connection.execute("insert into chunk_terms values (1, 2, 1, 1, 'en', '{1}', %s)", (terms,))
        connection.execute(
            "insert into archived_chunk values (1, 1, 1, 1, 1, 0, 9, null, 3, '', 'old otter', 'en', %s, '{1}', %s)",
            (old_vector, terms),
        )
    return database


def search(database: Database, as_of: datetime | None) -> list[Passage]:
    migrating.migrate(database)
    with (
        closing(database),
        closing(HybridRetriever(database=database, embedder=FakeEmbedder())) as retriever,
    ):
        return retriever.retrieve("otter", limit=5, caller=OWNER, as_of=as_of)


@pytest.mark.parametrize(("as_of", "text"), [(None, "new otter"), (THEN, "old otter")])
def test_what_an_earlier_version_embedded_is_found(old: Database, as_of: datetime | None, text: str) -> None:
    assert [passage.chunk.text for passage in search(old, as_of)] == [text]


def test_the_old_vectors_become_the_space_in_service(old: Database) -> None:
    migrating.migrate(old)
    with closing(old), old.transaction(OWNER, read_only=True) as connection:
        rows = connection.execute(
            "select c.space = s.id, s.embedder, s.dimensions, (select count(*) from chunk_vector where space = s.id),"
            " (select count(*) from archived_vector where space = s.id) from collection c, space s"
        ).fetchall()
    assert rows == [(True, "fake-embedder", 64, 1, 1)]
