"""A claim that is nearly a sentence of the passage, word for word: what was put in, and in whose place.

Where the wording is the passage's own, whatever differs was changed, and a changed word is taken to matter
unless it is known not to: articles, other forms of a word, synonyms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher

from ragraft.verify.lexicon import HARMLESS, OPPOSITES, SYNONYMS
from ragraft.verify.matching import Grounds, Window
from ragraft.verify.quantity import Quantity, agree
from ragraft.verify.statements import Statement, Token, kinds_of

__all__ = ["Change", "Wording", "compare_wording"]

NEARLY_SAME = 0.7
"""Share of the claim's words that must stand in the window in the same order."""

WIDER = 3
"""How many more words the passage may have where a word of the claim stands in their place."""

REPLACED = 0.8
"""The same for a common word in place of another one to be more than a matter of style."""

ADDED = 0.85
"""The same for a word that stands in no other's place to be held against the claim."""

ANCHOR = 3
"""Equal words in a row, a quantity among them, from which on it is the same quantity of the same thing."""


@dataclass(frozen=True, slots=True)
class Change:
    """`mine` stands in the claim where the passage has `told`, which is empty for what was added."""

    kind: str
    mine: str
    told: str


@dataclass(frozen=True, slots=True)
class Wording:
    """The share of the claim that the window has word for word, and what differs.

    `lost` are the negations of the passage that the claim left out; `anchored` the claim's quantities that
    stand in the window among the same words, each with its fellow.
    """

    share: float
    changes: tuple[Change, ...]
    anchored: tuple[tuple[Quantity, Quantity], ...]
    lost: tuple[str, ...] = ()

    @property
    def is_quotation(self) -> bool:
        """Whether the claim is the passage's wording with nothing put in."""
        return self.share >= NEARLY_SAME and not self.changes


def compare_wording(claim: Statement, window: Window, grounds: Grounds) -> Wording:
    """Lay all words of a claim beside those of a window; changes are told of nearly equal wording only."""
    mine = claim.tokens
    told = [token for unit in window.units for token in unit.statement.tokens]
    mine_keys, told_keys = _keys(mine, told, grounds)
    matcher = SequenceMatcher(None, mine_keys, told_keys, autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    share = sum(block.size for block in blocks) / len(mine) if mine else 0.0
    anchored = tuple(_anchored(mine, told, blocks))
    if share < NEARLY_SAME:
        return Wording(share, (), anchored)
    used = {at for block in blocks for at in range(block.b, block.b + block.size)}
    # What the same sentence of the passage has elsewhere was moved, not put in.
    home = _home(window, used)
    spare = [token for at, token in enumerate(told) if at not in used and home[at]]
    kept = {token.stem for token in mine}
    changes: list[Change] = []
    stretches = [(mine[i:j], told[k:n]) for kind, i, j, k, n in matcher.get_opcodes() if kind != "equal"]
    for here, there in stretches:
        opposite = there if len(there) <= len(here) + WIDER else []
        changes += _changes(here, opposite, spare, kept, grounds, share)
    changes += _exchanged(stretches)
    # Before the first and after the last equal word the passage speaks of something else.
    inner = range(blocks[0].b, blocks[-1].b)
    lost = [
        token.text
        for _, i, j, k, n in matcher.get_opcodes()
        if k in inner
        for token in (_lost(mine[i:j], told[k:n]) if mine_keys[i:j] != told_keys[k:n] else ())
    ]
    return Wording(share, tuple(changes), anchored, tuple(lost))


def _exchanged(stretches: Sequence[tuple[Sequence[Token], Sequence[Token]]]) -> Iterator[Change]:
    """Yield two names that stand in each other's place."""
    names = [
        (
            {token.stem: token.text for token in here if token.capital},
            {one.stem for one in there if one.capital},
        )
        for here, there in stretches
    ]
    for at, (mine, told) in enumerate(names):
        for others, theirs in names[at + 1 :]:
            first, second = sorted(mine.keys() & theirs), sorted(others.keys() & told)
            if first and second and first != second:
                yield Change("name", mine[first[0]], others[second[0]])
                return


def _lost(here: Sequence[Token], there: Sequence[Token]) -> list[Token]:
    """Return the passage's negations that the claim left out in one stretch."""
    if any("negation" in kinds_of(token.text) for token in here):
        return []
    return [token for token in there if "negation" in kinds_of(token.text)]


def _anchored(
    mine: Sequence[Token], told: Sequence[Token], blocks: Sequence[Match]
) -> Iterator[tuple[Quantity, Quantity]]:
    for block in blocks:
        for more in range(block.size if block.size >= ANCHOR else 0):
            one, other = mine[block.a + more].quantity, told[block.b + more].quantity
            if one is not None and other is not None:
                yield one, other


def _home(window: Window, used: set[int]) -> list[bool]:
    """Return of each token of a window whether it is in a sentence that most of the equal words are in."""
    sizes = [len(unit.statement.tokens) for unit in window.units]
    begins = [sum(sizes[:at]) for at in range(len(sizes))]
    equal = [
        sum(begin <= at < begin + size for at in used) for begin, size in zip(begins, sizes, strict=True)
    ]
    most = max(equal)
    return [count >= 0.4 * most for count, size in zip(equal, sizes, strict=True) for _ in range(size)]


def _keys(mine: Sequence[Token], told: Sequence[Token], grounds: Grounds) -> tuple[list[str], list[str]]:
    stems: dict[str, str] = {}
    for token in mine:
        for other in (token.stem, *grounds.alike(token.stem)):
            stems.setdefault(other, token.stem)
    quantities = [(at, token.quantity) for at, token in enumerate(mine) if token.quantity is not None]
    mine_keys = [
        token.stem if token.quantity is None else _first_same(token.quantity, quantities) for token in mine
    ]
    told_keys = [
        stems.get(token.stem, token.stem)
        if token.quantity is None
        else _first_told(token.quantity, quantities) or token.stem
        for token in told
    ]
    return mine_keys, told_keys


def _first_same(quantity: Quantity, quantities: Sequence[tuple[int, Quantity]]) -> str:
    """Return one key for all quantities of the claim that say just the same."""
    at = next(
        at
        for at, other in quantities
        if (other.values, other.unit, other.kind) == (quantity.values, quantity.unit, quantity.kind)
    )
    return f"#{at}"


def _first_told(told: Quantity, quantities: Sequence[tuple[int, Quantity]]) -> str | None:
    """Return the key of the claim's quantity that the passage's one is, the most equal first."""
    exact = [other for _, other in quantities if other.values == told.values and other.kind == told.kind]
    near = [other for _, other in quantities if agree(other, told)]
    chosen = next(iter([other for other in exact if other in near] or near), None)
    return None if chosen is None else _first_same(chosen, quantities)


def _changes(
    mine: Sequence[Token],
    told: Sequence[Token],
    spare: Sequence[Token],
    kept: set[str],
    grounds: Grounds,
    share: float,
) -> Iterator[Change]:
    """Yield what one stretch of the claim says that the passage does not say there."""
    instead = [token for token in told if _matters(token)]
    # A name may be moved, but not to where another one stands that the claim no longer has.
    gone = [token for token in instead if token.capital and token.stem not in kept]
    put_in = [
        token
        for token in mine
        if _matters(token) and ((token.capital and gone) or not _moved(token, spare, told, grounds))
    ]
    for token in put_in:
        if any(_same_word(token, other, grounds) for other in instead):
            continue
        kind, other = _kind(token, instead)
        if other is None and (share < ADDED or kind == "quantity"):
            continue  # a quantity that stands alone is the concern of its binding
        if kind == "word" and share < REPLACED:
            continue
        yield Change(kind, token.text, other.text if other else "")


def _matters(token: Token) -> bool:
    return token.quantity is not None or (token.text not in HARMLESS and len(token.stem) > 0)


def _moved(token: Token, spare: Sequence[Token], told: Sequence[Token], grounds: Grounds) -> bool:
    """Return whether the passage's sentence has the word too, in another place; a "not" has but one."""
    return "negation" not in kinds_of(token.text) and any(
        other not in told and _same_word(token, other, grounds) for other in spare
    )


def _same_word(one: Token, other: Token, grounds: Grounds) -> bool:
    if one.quantity is not None or other.quantity is not None:
        return one.quantity is not None and other.quantity is not None and agree(one.quantity, other.quantity)
    if one.stem == other.stem or other.stem in grounds.alike(one.stem):
        return True
    if other.text in SYNONYMS.get(one.text, ()):
        return True
    both = "negation" in kinds_of(one.text) and "negation" in kinds_of(other.text)
    return both or (one.text in "isn't aren't wasn't weren't don't doesn't" and other.text == "not")


def _kind(token: Token, instead: Sequence[Token]) -> tuple[str, Token | None]:
    """Return what sort of change it is, and the passage's word that it stands for."""
    if token.quantity is not None:
        return "quantity", next((one for one in instead if one.quantity is not None), None)
    against = [one for one in instead if one.text in OPPOSITES.get(token.text, ())]
    if against:
        return "opposite", against[0]
    modal = {"must", "should", "may"}
    obliged = [one for one in instead if modal & set(kinds_of(one.text))]
    if modal & set(kinds_of(token.text)) and obliged:
        return "modality", obliged[0]
    if "negation" in kinds_of(token.text):
        return "negation", instead[0] if instead else None
    # A capital that opens a sentence makes no name.
    names = [one for one in instead if one.capital and not one.initial]
    if token.capital and names:
        return "name", names[0]
    return "word", instead[0] if instead else None
