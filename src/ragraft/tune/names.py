"""Given names and surnames of many countries, and the pseudonyms that stand for them."""

from __future__ import annotations

import hmac
import importlib
import importlib.util
import tomllib
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

from ragraft.errors import MissingExtraError

__all__ = ["ORDINARY", "NameLists", "Pseudonyms", "plain_name", "word_list"]

LOCALES = (
    "en", "en_US", "en_GB", "en_IE", "en_NZ", "en_IN", "en_KE", "de_DE", "de_AT", "de_CH", "fr_FR", "fr_CH", "es_ES",
    "es_MX", "it_IT", "pt_PT", "pt_BR", "nl_NL", "nl_BE", "sv_SE", "da_DK", "no_NO", "fi_FI", "pl_PL", "cs_CZ",
    "sk_SK", "sl_SI", "hr_HR", "hu_HU", "ro_RO", "tr_TR", "et_EE", "lv_LV", "lt_LT", "ga_IE",
)  # fmt: skip

PSEUDONYM_LOCALES = ("en_US", "en_GB", "de_DE")
"""Pseudonyms are names that a model for English or German has seen often."""

SHORTEST = 3

_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"})


def plain_name(name: str) -> str:
    """Return a name without case and accents, German umlauts written out: Müller and MUELLER are one."""
    name = name.casefold().translate(_WRITTEN_OUT)
    return "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))


def word_list(*sections: str) -> frozenset[str]:
    """Return the words of some sections of person_words.toml, in plain form."""
    found = tomllib.loads(files("ragraft.tune").joinpath("person_words.toml").read_text(encoding="utf-8"))
    return frozenset(plain_name(word) for section in sections for word in found[section].split())


ORDINARY = word_list("ordinary", "places", "german", "products")
"""Names that are words, places or products as well: alone they are no sign of a person."""


class NameLists:
    """Which words are given names or surnames, compared without regard to case and accents."""

    def __init__(self) -> None:
        """Read the lists. Raises: MissingExtraError without the package that holds them."""
        self.given = _listed(LOCALES, "first_names_female", "first_names_male") - ORDINARY
        self.surnames = _listed(LOCALES, "last_names", "last_names_female", "last_names_male") - ORDINARY


class Pseudonyms:
    """Gives every name another one, always the same for one key, and never to be computed back without it.

    The names of a list stand on a ring in an order that the key decides, and a name's pseudonym is the one that
    follows it: two names of the list never share one, and none is its own. A name of no list gets the one that
    follows the place it would have. Source: consistent hashing, Karger et al. 1997, section 4.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        female = _spelled("first_names_female")
        male = _spelled("first_names_male")
        surnames = _spelled("last_names")
        self._rings = [
            (names, self._ring(names.values()))
            for names in (
                {plain: name for plain, name in female.items() if plain not in male},
                {plain: name for plain, name in male.items() if plain not in female},
                {plain: name for plain, name in female.items() if plain in male},
                surnames,
            )
        ]
        self._by_sex = [_listed(LOCALES, f"first_names_{sex}") for sex in ("female", "male")]

    def of(self, name: str) -> str:
        """Return the pseudonym of one given name or surname, in the same case: upper, lower or capitalised."""
        plain = plain_name(name)
        _, (places, names) = self._rings[self._kind(plain)]
        at = bisect_right(places, self._place(plain)) % len(names)
        if plain_name(names[at]) == plain:
            at = (at + 1) % len(names)
        found = names[at]
        return (
            found.upper() if name.isupper() and len(name) > 1 else found.lower() if name.islower() else found
        )

    def letter(self, initial: str) -> str:
        """Return the letter that stands for an initial, in the same case."""
        letter = "ABCDEFGHIJKLMNOPRSTVW"[int.from_bytes(self._place(plain_name(initial))) % 21]
        return letter.lower() if initial.islower() else letter

    def _kind(self, plain: str) -> int:
        """Return the ring of a name. It depends on the name alone, so that it has one pseudonym everywhere."""
        for at, (names, _) in enumerate(self._rings):
            if plain in names:
                return at
        female, male = (plain in names for names in self._by_sex)
        return 0 if female and not male else 1 if male and not female else 2 if female else 3

    def _ring(self, names: Iterable[str]) -> tuple[list[bytes], list[str]]:
        placed = sorted((self._place(plain_name(name)), name) for name in names)
        return [place for place, _ in placed], [name for _, name in placed]

    def _place(self, plain: str) -> bytes:
        return hmac.digest(self._key, plain.encode(), "sha256")


def _spelled(attribute: str) -> dict[str, str]:
    """Return the names that pseudonyms are taken from, by their plain form."""
    names = (name for locale in PSEUDONYM_LOCALES for name in _names(locale, attribute) if name.isalpha())
    return {
        plain: name
        for name in names
        if (plain := plain_name(name)) not in ORDINARY and len(plain) >= SHORTEST
    }


@lru_cache
def _listed(locales: tuple[str, ...], *attributes: str) -> frozenset[str]:
    """Return plain names, the parts of double ones too."""
    return frozenset(
        plain_name(part)
        for locale in locales
        for attribute in attributes
        for name in _names(locale, attribute)
        for part in name.replace("-", " ").split()
        if len(part) >= SHORTEST
    )


def _names(locale: str, attribute: str) -> Iterable[str]:
    if importlib.util.find_spec("faker") is None:
        raise MissingExtraError("tune", needed_for="finding names of persons")
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    found = getattr(provider, attribute, ())
    # Some locales compute a list when an object asks for it; those have the same names in others.
    return found if isinstance(found, tuple | list | dict) else ()
