"""Passages for libraries of any size: real ones as far as they are embedded, and mixtures of real ones.

Real text: reading passages, health answers, technical proposals, newsletters, the handbook, abstracts, and
Wikipedia paragraphs of ../shared/data, cut by the real chunker, each text once, in a shuffled order that
is always the same. Their vectors are the embedder's and are kept in the temporary folder for the next run.

Beyond the real ones a passage is a mixture: sentences drawn from two or three real passages, about as many
as one passage has. Its vector is the mean of its parents' vectors plus noise of a third of their length,
brought back to length 1. So words are as frequent as in real text, and vectors lie among real ones.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.figures import say
from benchmarks.ground import DATA, SETS, handbook_documents
from ragraft.documents.chunk import DocumentChunker
from ragraft.documents.markup import readable
from ragraft.protocols import Embedder
from ragraft.types import ParsedDocument, Vectors

__all__ = ["Corpus", "common_words", "questions"]

SEED = 7
NOISE = 0.33
SHORTEST = 120
"""Characters; a shorter passage is a heading or a stray line."""

CACHE = Path(tempfile.gettempdir()) / "ragraft-benchmarks"
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Real passages and their vectors; `passages` continues them without end."""

    texts: Sequence[str]
    vectors: Vectors

    @classmethod
    def load(cls, embedder: Embedder, *, real: int) -> Corpus:
        """Return a corpus with up to `real` real passages, embedding those not embedded before."""
        texts = _real_passages(embedder, limit=real)
        return cls(texts, _embedded(embedder, texts))

    def passages(self, start: int, stop: int) -> Iterator[tuple[str, Vectors]]:
        """Yield text and vector of the passages numbered start to stop: always the same for a number."""
        for number in range(start, stop):
            if number < len(self.texts):
                yield self.texts[number], self.vectors[number]
            else:
                yield self._mixture(number)

    def _mixture(self, number: int) -> tuple[str, Vectors]:
        chance = random.Random(f"{SEED} {number}")
        parents = chance.sample(range(len(self.texts)), min(chance.choice((2, 3)), len(self.texts)))
        sentences = [s for parent in parents for s in _SENTENCE.split(self.texts[parent])]
        count = max(1, round(len(sentences) / len(parents)))
        text = " ".join(chance.sample(sentences, count))
        noise = np.random.default_rng([SEED, number]).standard_normal(self.vectors.shape[1])
        mean = self.vectors[parents].mean(axis=0)
        mean = mean / np.linalg.norm(mean) + NOISE * noise / np.linalg.norm(noise)
        return text, (mean / np.linalg.norm(mean)).astype(np.float32)


def questions(count: int) -> list[str]:
    """Return real questions, half about the reading passages and half about health."""
    reading = [row["question"] for path in _files("reading", "*.dev.jsonl") for row in _rows(path)]
    health = [row["question"] for row in _rows(DATA / "medquad" / "sample.jsonl")]
    chance = random.Random(SEED)
    return [
        question
        for found, share in ((reading, count - count // 2), (health, count // 2))
        for question in chance.sample(sorted(set(found)), share)
    ]


def common_words(texts: Sequence[str], *, count: int) -> list[str]:
    """Return the words that most passages have."""
    having: dict[str, int] = {}
    for text in texts[:2000]:
        for word in set(re.findall(r"[a-z]+", text.lower())):
            having[word] = having.get(word, 0) + 1
    return sorted(having, key=lambda word: -having[word])[:count]


def _real_passages(embedder: Embedder, *, limit: int) -> list[str]:
    kept = CACHE / f"passages-{_digest([embedder.name, str(limit), Path(__file__).read_text()])}.json"
    if kept.exists():
        found: list[str] = json.loads(kept.read_text("utf-8"))
        return found
    chunker = DocumentChunker(count_tokens=embedder.count_tokens)
    documents = list(dict.fromkeys(_documents()))
    random.Random(SEED).shuffle(documents)
    passages: dict[str, None] = {}
    for text in documents:
        for chunk in chunker.chunk(ParsedDocument(text, "", "text/markdown", "en")):
            if len(chunk.text) >= SHORTEST:
                passages.setdefault(chunk.text)
        if len(passages) >= 2 * limit:
            break
    shuffled = list(passages)
    random.Random(SEED).shuffle(shuffled)
    CACHE.mkdir(exist_ok=True)
    kept.write_text(json.dumps(shuffled[:limit]), "utf-8")
    return shuffled[:limit]


def _embedded(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    kept = CACHE / f"vectors-{_digest([embedder.name, *texts])}.npy"
    if kept.exists():
        found: Vectors = np.load(kept)
        return found
    say(f"embedding {len(texts)} passages")
    vectors = embedder.embed([readable(text) for text in texts])
    CACHE.mkdir(exist_ok=True)
    np.save(kept, vectors)
    return vectors


def _documents() -> Iterator[str]:
    for path in _files("reading", "*.jsonl"):
        yield from (row["passage"] for row in _rows(path))
    yield from (row["answer"] for row in _rows(DATA / "medquad" / "sample.jsonl"))
    for folder in ("docs-ethereum-eips", "news-bitcoin-optech"):
        yield from (path.read_text("utf-8") for path in _files(folder, "*.md"))
    yield from (content.decode("utf-8") for content in handbook_documents().values())
    for name in ("cranfield", "pubmedqa", "xquad en"):
        yield from (document.text for document in SETS[name]().documents)


def _files(folder: str, pattern: str) -> list[Path]:
    return sorted((DATA / folder).glob(pattern))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    for line in path.read_text("utf-8").splitlines():
        yield json.loads(line)


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
