"""True sentences and the same with one thing changed, made by rule and independent of the verifier.

Nothing of ragraft is imported: what the verifier reads with its own patterns is written here with others, so
that a gap in the one does not hide behind the same gap in the other.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["KINDS", "Altered", "alter", "reword"]

EXACT = ("number", "date", "unit")
OTHER = ("name", "negation", "comparison", "modality", "swap")
KINDS = (*EXACT, *OTHER)

MONTHS = (
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
)
UNITS = {
    "hours": "days", "hour": "day", "days": "weeks", "weeks": "months", "months": "years", "years": "months",
    "minutes": "hours", "seconds": "minutes", "km": "miles", "miles": "kilometres", "kilometres": "miles",
    "kilometers": "miles", "metres": "feet", "meters": "feet", "feet": "metres", "mm": "cm", "cm": "mm", "kg": "g",
    "tonnes": "kilograms", "million": "billion", "billion": "million", "thousand": "million", "percent": "people",
    "€": "$", "£": "€", "EUR": "USD", "Stunden": "Tage", "Tage": "Wochen", "Wochen": "Monate", "Monate": "Jahre",
    "Jahre": "Monate", "Minuten": "Stunden", "Kilometer": "Meilen", "Meter": "Kilometer", "Millionen": "Milliarden",
    "Milliarden": "Millionen", "Prozent": "Personen", "Euro": "Dollar", "Dollar": "Euro", "dollars": "euros",
}  # fmt: skip
COMPARISONS = (
    ("more than", "less than"), ("at least", "at most"), ("before", "after"), ("increased", "decreased"),
    ("increase", "decrease"), ("higher", "lower"), ("largest", "smallest"), ("larger", "smaller"), ("longer", "shorter"),
    ("first", "last"), ("above", "below"), ("rose", "fell"), ("most", "least"), ("earlier", "later"), ("greater", "smaller"),
    ("highest", "lowest"), ("up to", "at least"), ("maximum", "minimum"), ("always", "never"), ("all", "none of the"),
    ("north", "south"), ("east", "west"), ("mehr als", "weniger als"), ("mindestens", "höchstens"), ("vor", "nach"),
    ("größte", "kleinste"), ("größten", "kleinsten"), ("erste", "letzte"), ("ersten", "letzten"), ("über", "unter"),
    ("höher", "niedriger"), ("gestiegen", "gesunken"), ("älteste", "jüngste"),
)  # fmt: skip
MODALITIES = (
    ("must", "may"), ("may", "must"), ("should", "must"), ("can", "must"),
    ("required", "optional"), ("optional", "required"),
    ("allowed", "forbidden"), ("muss", "darf"), ("müssen", "dürfen"), ("kann", "muss"), ("können", "müssen"),
    ("need to", "may"), ("have to", "may"), ("might", "will"), ("could", "did"),
)  # fmt: skip
_VERB = re.compile(
    r"\b(is|are|was|were|has|have|had|can|could|will|would|may|must|should|does|do|did)\b(?! (?:not|n't|only))"
)
_VERB_DE = re.compile(
    r"\b(ist|sind|war|waren|wurde|wurden|wird|werden|hat|haben|kann|können|muss|müssen|darf)\b(?! nicht)"
)
_NOT = re.compile(r"\b(?:not |never |nicht )|n't\b")
_KEIN = re.compile(r"\bkein(e|en|em|er|es)?\b")
_FIGURE = re.compile(r"(?<![\w.,/-])\d+(?:[.,]\d+)*(?![\w/-]|[.,]\d)")
_NAME = re.compile(r"(?<![.!?:] )(?<![.!?:]\n)(?<=[a-zß-ü,;] )((?:[A-ZÄÖÜ][\w’'-]+)(?: [A-ZÄÖÜ][\w’'-]+)*)")
_LIST = re.compile(r"\||^\W*\d+\.|\s(?:-|\d+\.)(?:\s|$)")
_ACTS = re.compile(
    r"\b(?:defeated|beat|founded|bought|acquired|succeeded|replaced|led|invaded|conquered|than|joined|killed|taught"
    r"|influenced|wrote to|reports to|pays)\b"
)
_NO_NAMES = re.compile(
    r"^(?:I|The|A|An|In|On|At|He|She|It|We|You|They|This|That|Mr|Mrs|Dr|St)\b"
    rf"|^(?:{'|'.join(MONTHS[0] + MONTHS[1])})\b"
)


@dataclass(frozen=True, slots=True)
class Altered:
    """A sentence with one thing changed, and what."""

    kind: str
    text: str
    was: str
    now: str


def alter(
    sentence: str, passage: str, *, others: Sequence[str], names: Callable[[str], bool], chance: random.Random
) -> list[Altered]:
    """Return the sentence once for each kind of thing that can be changed in it.

    A number or name is replaced in half of the cases by another one of the same passage, which is the harder;
    `others` are texts to take other names from; `names` says whether a capital makes a word a name.
    """
    found: list[Altered] = []
    for kind, rule in (
        ("number", lambda: _number(sentence, passage, chance)),
        ("date", lambda: _date(sentence, chance)),
        ("unit", lambda: _unit(sentence)),
        ("name", lambda: _name(sentence, passage, others, names, chance)),
        ("negation", lambda: _negation(sentence)),
        ("comparison", lambda: _one_of(sentence, [*COMPARISONS, *((b, a) for a, b in COMPARISONS)])),
        ("modality", lambda: _one_of(sentence, MODALITIES)),
        ("swap", lambda: _swap(sentence, names)),
    ):
        changed = rule()
        if changed is not None and changed[2] != sentence:
            found.append(Altered(kind, changed[2], changed[0], changed[1]))
    return found


def reword(sentence: str, chance: random.Random) -> str:
    """Return the sentence with its meaning kept and its wording changed lightly, in one or two ways."""
    rules = [rule for rule in REWORDINGS if rule(sentence) != sentence]
    chance.shuffle(rules)
    for rule in rules[: chance.randint(1, 2)]:
        sentence = rule(sentence)
    return sentence


Change = tuple[str, str, str]


def _replaced(sentence: str, start: int, end: int, now: str) -> Change:
    return sentence[start:end], now, sentence[:start] + now + sentence[end:]


def _number(sentence: str, passage: str, chance: random.Random) -> Change | None:
    places = [m for m in _FIGURE.finditer(sentence) if not _in_date(sentence, m)]
    if not places:
        return None
    place = chance.choice(places)
    here = {_bare(m.group()) for m in places}
    rivals = sorted(
        m.group()
        for m in _FIGURE.finditer(passage)
        if not _in_date(passage, m) and _bare(m.group()) not in here
    )
    if rivals and chance.random() < 0.5:
        return _replaced(sentence, *place.span(), chance.choice(rivals))
    digits = [at for at in range(*place.span()) if sentence[at].isdigit()]
    at = chance.choice(digits)
    other = chance.choice([digit for digit in "123456789" if digit != sentence[at]])
    now = sentence[place.start() : at] + other + sentence[at + 1 : place.end()]
    return _replaced(sentence, *place.span(), now)


def _bare(figure: str) -> str:
    return re.sub(r"[.,]", "", figure)


def _in_date(text: str, match: re.Match[str]) -> bool:
    if re.fullmatch(r"1[0-9]\d\d|20\d\d", match.group()):
        return True
    around = text[max(0, match.start() - 12) : match.end() + 12]
    return any(month in around for month in (*MONTHS[0], *MONTHS[1]))


def _date(sentence: str, chance: random.Random) -> Change | None:
    years = re.finditer(r"(?<![\d.,$€£])\b(1[0-9]\d\d|20\d\d)\b(?![.,]\d)", sentence)
    options = [
        _replaced(sentence, *year.span(), str(int(year.group()) + chance.choice([-11, -3, -1, 1, 2, 10])))
        for year in years
    ]
    for months in MONTHS:
        named = "|".join(months)
        for match in re.finditer(
            rf"\b({named})\b(?= \d|,)|(?<=\d )\b({named})\b|(?<=\. )\b({named})\b", sentence
        ):
            now = chance.choice([month for month in months if month != match.group()])
            options.append(_replaced(sentence, *match.span(), now))
    return chance.choice(options) if options else None


def _unit(sentence: str) -> Change | None:
    for word, now in UNITS.items():
        edge = r"\b" if word[0].isalpha() else ""
        match = re.search(rf"(?<=\d) ?{edge}{re.escape(word)}{edge}|{re.escape(word)}(?= ?\d)", sentence)
        if match:
            return _replaced(sentence, match.end() - len(word), match.end(), now)
    return None


def _name(
    sentence: str, passage: str, others: Sequence[str], names: Callable[[str], bool], chance: random.Random
) -> Change | None:
    places = [m for m in _NAME.finditer(sentence) if _is_name(m.group(), names)]
    if not places:
        return None
    place = chance.choice(places)
    texts = [passage] if chance.random() < 0.5 else list(others)
    rivals = sorted(
        {
            m.group()
            for text in texts
            for m in _NAME.finditer(text)
            if _is_name(m.group(), names)
            and not set(m.group().split()) & set(sentence.split())
            and m.group() not in place.group()
        }
    )
    return _replaced(sentence, *place.span(), chance.choice(rivals)) if rivals else None


def _is_name(text: str, names: Callable[[str], bool]) -> bool:
    return not _NO_NAMES.match(text) and all(names(word) for word in text.split())


def _negation(sentence: str) -> Change | None:
    if match := _NOT.search(sentence):
        return _replaced(sentence, *match.span(), "")
    if match := _KEIN.search(sentence):
        return _replaced(sentence, *match.span(), "ein" + (match[1] or ""))
    for pattern, word in ((_VERB, "not"), (_VERB_DE, "nicht")):
        if match := pattern.search(sentence):
            return _replaced(sentence, *match.span(), f"{match.group()} {word}")
    return None


def _one_of(sentence: str, pairs: Sequence[tuple[str, str]]) -> Change | None:
    for word, now in pairs:
        if match := re.search(rf"\b{word}\b", sentence):
            return _replaced(sentence, *match.span(), now)
    return None


def _swap(sentence: str, names: Callable[[str], bool]) -> Change | None:
    """Exchange two names with a verb of one doing something to the other between them."""
    places = [m for m in _NAME.finditer(" " + sentence) if _is_name(m.group(), names)]
    for one, other in pairwise(places):
        between = sentence[one.end() - 1 : other.start() - 1]
        if _ACTS.search(between):
            now = (
                sentence[: one.start() - 1]
                + other.group()
                + between
                + one.group()
                + sentence[other.end() - 1 :]
            )
            return f"{one.group()} / {other.group()}", "swapped", now
    return None


def _contract(sentence: str) -> str:
    return re.sub(
        r"\b(is|are|was|were|do|does|did|has|have|must|should|could|would) not\b", r"\1n't", sentence
    )


def _figures(sentence: str) -> str:
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", sentence)
    return re.sub(r"(?<=\d) ?(?:percent|Prozent)\b", "%", plain)


def _without_opening(sentence: str) -> str:
    cut = re.sub(
        r"^(?:However|Also|In addition|Moreover|Furthermore|Therefore|Thus|Finally|Additionally|Jedoch|Außerdem),? ",
        "",
        sentence,
    )
    return cut[:1].upper() + cut[1:]


def _year_last(sentence: str) -> str:
    match = re.match(r"^(In|Im Jahr) (\d{4}), (.+?)\.$", sentence, re.DOTALL)
    if not match or not match[3][0].isalpha():
        return sentence
    rest = match[3]
    return f"{rest[0].upper()}{rest[1:]} {match[1][0].lower()}{match[1][1:]} {match[2]}."


def _without_brackets(sentence: str) -> str:
    cut = re.sub(r" ?\([^()]*\)", "", sentence)
    return cut if len(cut) > 0.6 * len(sentence) else sentence


def _without_relative(sentence: str) -> str:
    cut = re.sub(r", (?:which|who|where|der|die|das|wo) [^,.;]{10,120}\.$", ".", sentence)
    return cut if len(cut) > 0.5 * len(sentence) else sentence


def _near_words(sentence: str) -> str:
    for word, now in (
        ("approximately", "about"), ("roughly", "about"), ("began", "started"), ("begin", "start"), ("large", "big"),
        ("located", "situated"), ("often", "frequently"), ("obtain", "get"), ("receive", "get"), ("such as", "like"),
        ("many", "numerous"), ("as well as", "and"), ("several", "a number of"), ("ungefähr", "etwa"), ("oft", "häufig"),
    ):  # fmt: skip
        sentence = re.sub(rf"\b{word}\b", now, sentence)
    return sentence


def _introduced(sentence: str) -> str:
    if re.match(r"(?:The|A|An|This|These|Most|Some|Many) ", sentence):
        return f"Note that {sentence[0].lower()}{sentence[1:]}"
    return sentence


REWORDINGS: tuple[Callable[[str], str], ...] = (
    *(
        _contract,
        _figures,
        _without_opening,
        _year_last,
        _without_brackets,
        _without_relative,
        _near_words,
        _introduced,
    ),
)


def sentences(text: str) -> Iterator[str]:
    """Yield the prose sentences of a text that stand alone: 6 to 60 words, a capital and a full stop."""
    for piece in re.split(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ\"“„])|\n{2,}", text):
        sentence = " ".join(piece.split())
        if (
            6 <= len(sentence.split()) <= 60
            and sentence[0].isupper()
            and sentence.endswith(".")
            and not _LIST.search(sentence)
        ):
            yield sentence
