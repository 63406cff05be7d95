"""Personal data out of examples before they are stored: found by Presidio, replaced by their like.

Persons get a pseudonym that is the same wherever they appear, also in an e-mail address; numbers get a
placeholder that says what stood there. No recogniser needs a download or asks the network. What is found is
counted by type; nothing keeps the originals.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from ragraft.errors import MissingExtraError, ModelError
from ragraft.tune.names import NameLists, Pseudonyms, plain_name
from ragraft.tune.persons import PARTICLES, TITLES, PersonFinder

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

__all__ = ["PLACEHOLDERS", "Found", "Redactor", "pseudonym_key"]

LANGUAGE = "en"
"""Presidio asks for one; the recognisers here serve English and German alike."""

LEAST_SCORE = 0.4

PLACEHOLDERS = {
    "ADDRESS": "[street address]",
    "BIRTH_DATE": "[date of birth]",
    "CREDIT_CARD": "[card number]",
    "CRYPTO": "[wallet address]",
    "DE_SOCIAL_SECURITY": "[social security number]",
    "DE_TAX_ID": "[tax number]",
    "IBAN_CODE": "[IBAN]",
    "IP_ADDRESS": "[IP address]",
    "PHONE_NUMBER": "[phone number]",
    "UK_NINO": "[national insurance number]",
    "US_DRIVER_LICENSE": "[driving licence number]",
    "US_SSN": "[social security number]",
}
"""What stands for a thing by its type; persons and e-mail addresses get a pseudonym instead."""

REPLACED = (*PLACEHOLDERS, "EMAIL_ADDRESS", "PERSON")

_SHARED = re.compile(
    r"(?:^|[._-])(?:info|all|hr|it|hello|mail|post|press|jobs|legal|invoices?|kontakt|vertrieb|einkauf|personal|buchhaltung"
    r"|datenschutz|krankmeldung|suspicious|travel|events?|research|software|equipment|people|devs?|join|leaving|help|contact"
    r"|sales|billing|accounts?|careers?|privacy|orders?|no-?reply|post-?master|web-?master|devops|peopleops|apps"
    r"|[a-z]*(?:support|service|desk|office|team|admin|security|finance|payroll|operations|requests?|access|agreements?"
    r"|compliance|experience|benefits|subsidy|purchasers|agents))(?:$|[._-])",
    re.IGNORECASE,
)
"""Mailboxes that are nobody's own: they are what a house wants known."""

_APART = "\n\x01\n"
"""What no example has in it: control characters are refused before."""

_PART = re.compile(r"[A-ZÀ-Þ]+(?![a-zß-ÿ])|[^\W\d_][a-zß-ÿ]*")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch of text of a type: text[start:end]."""

    type: str
    start: int
    end: int


class Redactor:
    """Replaces personal data in texts that belong together.

    `key` decides the pseudonyms: the workspace's own secret. `allow` are words that are never a person, such
    as house terms and names of documents. `model` is a spaCy model's folder whose names of persons are used
    beside those found by rules; nothing is ever downloaded.

    Raises: MissingExtraError without Presidio; ModelError if the folder holds no spaCy model.
    """

    def __init__(self, *, key: bytes, allow: Iterable[str] = (), model: Path | None = None) -> None:
        self._pseudonyms = Pseudonyms(key)
        self._analyzer = _analyzer(model)
        words = sorted(
            {re.escape(term.strip()) for term in allow if len(term.strip()) > 1}, key=len, reverse=True
        )
        self._allowed = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE) if words else None
        self.counts: Counter[str] = Counter()
        """How many of each type have been replaced so far."""

    def redact_all(self, texts: Sequence[str]) -> list[str]:
        """Return texts that belong together, so that a person named in one is known in the next."""
        return self.redact(_APART.join(texts)).split(_APART)

    def redact(self, text: str) -> str:
        """Return a text with personal data replaced, and count it."""
        parts, last = [], 0
        for found in self.find(text):
            original = text[found.start : found.end]
            parts += [text[last : found.start], self._instead(found.type, original)]
            last = found.end
            self.counts[found.type] += 1
        return "".join([*parts, text[last:]])

    def find(self, text: str) -> list[Found]:
        """Return what would be replaced, in order and not overlapping: longer stretches win."""
        results = self._analyzer.analyze(
            text, language=LANGUAGE, entities=list(REPLACED), score_threshold=LEAST_SCORE
        )
        chosen: list[Found] = []
        for result in sorted(results, key=lambda one: (one.start - one.end, -one.score, one.start)):
            found = Found(result.entity_type, result.start, result.end)
            taken = any(found.start < other.end and other.start < found.end for other in chosen)
            if not taken and not self._stays(text, found):
                chosen.append(found)
        return sorted(chosen, key=lambda one: one.start)

    def _stays(self, text: str, found: Found) -> bool:
        """Return whether a stretch is a house term taken for a person, or a mailbox that is nobody's own."""
        if found.type == "EMAIL_ADDRESS":
            return bool(_SHARED.search(text[found.start : found.end].partition("@")[0]))
        if found.type != "PERSON" or self._allowed is None:
            return False
        spans = (one.span() for one in self._allowed.finditer(text))
        return any(found.start < end and start < found.end for start, end in spans)

    def _instead(self, kind: str, original: str) -> str:
        if kind == "PERSON":
            return self._person(original)
        return self._email(original) if kind == "EMAIL_ADDRESS" else PLACEHOLDERS[kind]

    def _person(self, name: str) -> str:
        def instead(found: re.Match[str]) -> str:
            word = found[0]
            if word in PARTICLES or plain_name(word) in TITLES:
                return word
            return self._pseudonyms.letter(word) if len(word) == 1 else self._pseudonyms.of(word)

        return _WORD.sub(instead, name)

    def _email(self, address: str) -> str:
        """Return the pseudonym's address, at a domain that is nobody's (RFC 2606)."""
        parts = _PART.findall(address.partition("@")[0])
        names = [
            plain_name(self._pseudonyms.letter(part) if len(part) == 1 else self._pseudonyms.of(part))
            for part in parts
        ]
        return ".".join(names or ["mail"]) + "@example.com"


def _analyzer(model: Path | None) -> AnalyzerEngine:
    try:
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    except ImportError as error:
        raise MissingExtraError("tune", needed_for="redaction") from error
    # It announces each recogniser and remarks on entities without one.
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    engine = _language_engine(model)
    registry = RecognizerRegistry(recognizers=_recognizers(model), supported_languages=[LANGUAGE])
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[LANGUAGE])


def _language_engine(model: Path | None) -> Any:
    """Return what splits text into words for Presidio: spaCy's rules alone, or the model in a folder."""
    import spacy
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from spacy.language import Language

    try:
        loaded = spacy.load(model) if model else spacy.blank("xx")
        if model is None:
            Language.component("ragraft_small_letters", func=_small_letters)
            loaded.add_pipe("ragraft_small_letters")
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{model} is no spaCy model: {error}", hint="name the folder that holds its config.cfg"
        ) from error

    class LoadedEngine(SpacyNlpEngine):
        """A spaCy pipeline that is loaded already; Presidio's own engine would download what it lacks."""

        def load(self) -> None:
            self.nlp = {LANGUAGE: loaded}  # type: ignore[assignment]  # declared as None there

    engine = LoadedEngine(models=[{"lang_code": LANGUAGE, "model_name": str(model or "blank")}])
    engine.load()
    return engine


def _small_letters(words: Any) -> Any:
    """Let every word be its own lemma: Presidio compares lemmas with the words that speak for a find."""
    for word in words:
        word.lemma_ = word.lower_
    return words


def _recognizers(model: Path | None) -> list[Any]:
    from presidio_analyzer import predefined_recognizers as known

    from ragraft.tune import recognizers as own

    return [
        known.CreditCardRecognizer(),
        known.CryptoRecognizer(),
        known.IbanRecognizer(),
        known.IpRecognizer(),
        known.UsSsnRecognizer(),
        known.UkNinoRecognizer(),
        known.DeTaxIdRecognizer(supported_language=LANGUAGE),
        known.DeSocialSecurityRecognizer(supported_language=LANGUAGE),
        own.email_recognizer(),
        own.phone_recognizer(),
        own.address_recognizer(),
        own.birth_recognizer(),
        own.licence_recognizer(),
        own.person_recognizer(PersonFinder(NameLists())),
        *([known.SpacyRecognizer(supported_entities=["PERSON"])] if model else []),
    ]


def pseudonym_key(folder: Path) -> bytes:
    """Return the secret that decides a workspace's pseudonyms, made if there is none."""
    path = folder / "pseudonyms.key"
    with suppress(FileExistsError), NamedTemporaryFile("w", dir=folder, prefix=path.name) as fresh:
        if not path.exists():
            fresh.write(secrets.token_hex(32))
            fresh.flush()
            # Whole from the start; what another process made a moment ago stays.
            os.link(fresh.name, path)
    return bytes.fromhex(path.read_text(encoding="utf-8"))
