"""The nouns: frozen values that every other module passes around. Imports nothing of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "EVERYONE",
    "AccessLabel",
    "Adapter",
    "Answer",
    "Caller",
    "Check",
    "Chunk",
    "Citation",
    "Completion",
    "Dataset",
    "Document",
    "Dropped",
    "Evidence",
    "Example",
    "Finding",
    "Message",
    "PageSpan",
    "ParsedDocument",
    "Passage",
    "Prompt",
    "Question",
    "Reading",
    "Revision",
    "Source",
    "Support",
    "SystemCard",
    "Usage",
    "Vectors",
    "Verdict",
]

Vectors = npt.NDArray[np.float32]
"""float32 of shape (texts, dimensions), rows of length 1."""

EVERYONE = "everyone"
"""The group that every caller is in."""


@dataclass(frozen=True, slots=True)
class AccessLabel:
    """The groups that may read a thing. Empty: the workspace's owner alone."""

    groups: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return ", ".join(sorted(self.groups)) or "owner only"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. The owner sees all; anyone else what his groups (and `everyone`) may read."""

    name: str
    groups: frozenset[str] = frozenset()
    owner: bool = False

    def may_read(self, label: AccessLabel) -> bool:
        """Return whether this caller may read what carries `label`."""
        return self.owner or bool(label.groups & (self.groups | {EVERYONE}))


@dataclass(frozen=True, slots=True)
class PageSpan:
    """One page (or slide, or sheet) of a document: text[start:end], counted in characters."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """What a parser makes of a file. Every offset anywhere counts characters of `text`.

    `pages` is empty where the format has none; otherwise ascending and not overlapping.
    `language` is an ISO 639-1 code, or "" if it could not be told.
    """

    text: str
    title: str
    media_type: str
    language: str = ""
    pages: tuple[PageSpan, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of one revision: `text` is exactly the document's text[start:end].

    `context` is what a reader would need above it - title, headings, a table's header - and is
    embedded, indexed and shown to the model with it, but is no part of the quoted span.
    `tokens` counts context and text in the embedder's tokens.
    """

    start: int
    end: int
    text: str
    context: str = ""
    page: int | None = None
    tokens: int = 0

    @property
    def full_text(self) -> str:
        """Context and text together, as embedded and as lexically indexed."""
        return f"{self.context}\n{self.text}" if self.context else self.text


@dataclass(frozen=True, slots=True)
class Document:
    """One entry of the library as `list` shows it."""

    uri: str
    title: str
    label: AccessLabel
    revision: int
    chunks: int
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a document's text; `valid_to` is None while it is the current one."""

    document: Document
    number: int
    text: str
    language: str
    media_type: str
    pages: tuple[PageSpan, ...]
    metadata: Mapping[str, Any]
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk; `read_at` is when it was read from its source."""

    chunk: Chunk
    uri: str
    title: str
    revision: int
    score: float
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation in the chat form all models share."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """What did not fit the token budget: of which class, how many whole items, how many tokens."""

    what: Literal["question", "history", "passages"]
    items: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is given. Passage number n in the text is passages[n - 1]."""

    messages: tuple[Message, ...]
    passages: tuple[Passage, ...]
    dropped: tuple[Dropped, ...]
    tokens: int
    max_answer_tokens: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer, in the model's own count.

    `cached_tokens` are those of the prompt that its server did not read anew; 0 where it tells nothing of them.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """What a chat model returned; `finish` says whether it ended by itself or was cut."""

    text: str
    usage: Usage
    finish: Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A claim of an answer tied to a span of a passage.

    `marker` is the number in the answer's text; start and end count characters of the
    document's text at the passage's revision, and `quote` is exactly that stretch.
    """

    marker: int
    claim: str
    passage: Passage
    start: int
    end: int
    quote: str


Support = Literal["supported", "partly", "contradicted", "not_found", "no_claim"]
"""What checking a sentence against passages can give; `no_claim` says nothing that could be checked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What checking one sentence against passages gave.

    `score` is the probability that the best span supports all of it. The span is
    passages[passage].chunk.text[start:end]; passage is None where nothing came near.
    """

    support: Support
    score: float
    passage: int | None
    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader makes of one text for one question; all but the span are probabilities.

    The span is text[start:end], the likeliest answer; start = end = 0 where there is none.
    """

    relevance: float
    answerable: float
    start: int
    end: int
    span_score: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking a citation gave. supported is None where it was not checked."""

    citation: Citation
    supported: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class Check:
    """One sentence of what a model wrote, and what became of it.

    `verdicts` are those of its citations. `support` is None where it was not checked. `repaired` says that
    the model cited another passage than the one that supports it, or none; `shown`, that it stayed.
    """

    sentence: str
    support: Support | None
    reason: str
    score: float
    verdicts: tuple[Verdict, ...]
    repaired: bool
    shown: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a question's answer stands: a stretch of a document, word for word."""

    document: str
    quote: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose answer is known. `kind` is "unanswerable" if the documents do not answer it."""

    id: str
    text: str
    expected: str
    aliases: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    kind: str

    @property
    def answerable(self) -> bool:
        """Whether the documents answer it."""
        return self.kind != "unanswerable"


@dataclass(frozen=True, slots=True)
class SystemCard:
    """What a system is made of; two systems with equal cards answer alike.

    `kind`: the model from memory (plain); from what a search finds (rag) or from all that fits (long_context); the
    tuned model likewise (tuned, tuned_rag; raft, if it learned to read passages); a stranger at some address.
    """

    name: str
    kind: Literal["plain", "rag", "long_context", "tuned", "tuned_rag", "raft", "stranger"]
    model: str
    settings_hash: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its evidence.

    `question` is what was looked up: the one asked, or its rewriting as a question that stands alone.
    `origin` says who worded `text`: the model, a quotation of a passage, or a refusal. `draft` is what the
    model wrote, `checks` are its sentences; citations and verdicts are those of what is shown. `invented`
    are markers that name no passage given. `nearest` are, in a refusal, the passages that came nearest.
    `confidence` is the probability that the passages answer the question; None where nothing tells it.
    """

    text: str
    refused: bool
    reason: str
    citations: tuple[Citation, ...]
    verdicts: tuple[Verdict, ...]
    invented: tuple[int, ...]
    prompt: Prompt
    usage: Usage
    system: SystemCard
    timings: Mapping[str, float]
    question: str = ""
    origin: Literal["model", "quotation", "refusal"] = "model"
    draft: str = ""
    checks: tuple[Check, ...] = ()
    nearest: tuple[Passage, ...] = ()
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A document that an example was made from, and its revision at that time (None if it has none)."""

    document: str
    revision: int | None


@dataclass(frozen=True, slots=True)
class Example:
    """One conversation to learn from, redacted; every turn of the assistant is trained on.

    `id` is the start of the SHA-256 of its messages. Rows of one `group` (a document, a file) are never on
    both sides of a split. `label` is the strictest of its sources. `aliases` are other forms in which the answer counts
    as given; they are not learned.
    """

    id: str
    kind: str
    messages: tuple[Message, ...]
    group: str
    made_from: tuple[Source, ...] = ()
    label: AccessLabel = AccessLabel()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples to train on and to hold out. `label` is the strictest of theirs, computed and never typed."""

    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    fingerprint: str
    label: AccessLabel


@dataclass(frozen=True, slots=True)
class Adapter:
    """A tuned model: who may use it, what it was made from, and whether its gates let it be used.

    `tainted_by` names the documents it saw that have since been erased or closed to some of its readers;
    it is then out of service. `card` is all that is known of it.
    """

    name: str
    path: str
    base_model: str
    method: str
    dataset_fingerprint: str
    label: AccessLabel
    made_from: tuple[Source, ...]
    tainted_by: tuple[str, ...]
    gates: Mapping[str, Any]
    forced: bool
    made_at: datetime
    card: Mapping[str, Any] = field(default_factory=dict)
