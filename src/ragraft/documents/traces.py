"""Pieces of an erased text, and whether any file still holds them."""

from __future__ import annotations

import mmap
import random
from collections.abc import Sequence
from pathlib import Path

from ragraft.database.pool import Connection

__all__ = ["count_found", "own_pieces"]

PIECE = 32
"""Length in characters of the pieces of text that are looked for afterwards."""

TELLING = 8
"""A piece of fewer different characters, such as the line under a heading, may be found anywhere."""


def own_pieces(connection: Connection, key: tuple[int, int]) -> list[bytes]:
    """Return pieces of a document's revisions, and of examples made from it, that stand in nothing else."""
    revisions = connection.execute(
        "select text from revision where (collection, document) = (%s, %s)", key
    ).fetchall()
    turns = connection.execute(
        "select turn ->> 'content' from example_source s join example e on e.id = s.example,"
        " jsonb_array_elements(e.messages) as turn where (s.collection, s.document) = (%s, %s) order by e.id",
        key,
    ).fetchall()
    draw = random.Random(len(turns))  # noqa: S311 - not a secret
    chosen = {piece for (text,) in revisions for piece in _pieces(text, 20)}
    chosen |= {piece for (text,) in draw.sample(turns, min(20, len(turns))) for piece in _pieces(text, 1)}
    rows = connection.execute(
        "select piece from unnest(%(pieces)s::text[]) as piece where not exists (select from revision"
        " where (collection, document) <> (%(collection)s, %(document)s) and strpos(text, piece) > 0)"
        " and not exists (select from example e, jsonb_array_elements(e.messages) as turn"
        "  where strpos(turn ->> 'content', piece) > 0 and not exists (select from example_source s"
        "   where s.example = e.id and (s.collection, s.document) = (%(collection)s, %(document)s)))",
        {
            "pieces": sorted(piece for piece in chosen if len(set(piece)) >= TELLING),
            "collection": key[0],
            "document": key[1],
        },
    ).fetchall()
    return [piece.encode() for (piece,) in rows]


def _pieces(text: str, count: int) -> list[str]:
    starts = range(max(1, len(text) - PIECE + 1))
    draw = random.Random(len(text))  # noqa: S311 - not a secret
    return [text[start : start + PIECE] for start in draw.sample(starts, min(count, len(starts)))]


def count_found(pieces: Sequence[bytes], folder: Path) -> int:
    """Return how many of some pieces stand in any file of a folder of the database."""
    found: set[bytes] = set()
    for path in sorted(folder.rglob("*")):
        try:
            if not path.is_file() or path.stat().st_size == 0:
                continue
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                found.update(piece for piece in pieces if content.find(piece) >= 0)
        except FileNotFoundError:
            continue  # the server deletes files while we look
    return len(found)
