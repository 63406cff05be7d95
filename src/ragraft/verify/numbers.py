"""The quantities of a text: numbers with their units, money, percentages, dates, times, codes.

Each is read into one or more values: 1.500 is 1500 in German and may be either elsewhere, 06/01/2026 may be
January or June. Two quantities agree if they share a value and neither names a unit that the other denies.
Units are converted only where that is exact: 90 min are 1.5 h, 2 weeks are 14 days, a month is no number of days.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ragraft.verify.quantity import Quantity
from ragraft.verify.units import CURRENCIES, MONTHS, NUMBER_WORDS, SCALES, UNITS, WEEKDAYS

__all__ = ["quantities"]


def _either(words: object) -> str:
    return "|".join(sorted((re.escape(str(word)) for word in words), key=len, reverse=True))  # type: ignore[attr-defined]  # an iterable of words


_MONTH = rf"(?:{_either(MONTHS)})\b\.?"
_NUMBER = r"\d{1,3}(?:[.,'’\u00a0\u202f ]\d{3})+(?:[.,]\d+)?(?![\d])|\d+(?:[.,]\d+)?"
_WORD_NUMBER = rf"(?:{_either(NUMBER_WORDS)})(?:[- ](?:{_either(NUMBER_WORDS)}))*"
_MONEY = _either(CURRENCIES)
_SYMBOL = r"[€$£¥]"
_UNIT = _either(UNITS)
_SCALE = _either(SCALES)
_PERCENT = r"(?:percentage\s+points?|prozentpunkte?|percent|per\s+cent|prozent)"

_QUANTITY = re.compile(
    rf"""
    (?=[\d€$£¥]|\b[^\W\d_])(?:  # spares the engine all that follows inside of words
    (?P<iso>\b\d{{4}}-\d{{2}}-\d{{2}}(?!\d))
  | (?P<dotted>\b\d{{1,2}}\.\s?\d{{1,2}}\.\s?(?:\d{{4}}|\d{{2}})\b)
  | (?P<slashed>\b\d{{1,2}}/\d{{1,2}}/(?:\d{{4}}|\d{{2}})\b)
  | (?P<daymonth>\b\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?{_MONTH}(?:,?\s+\d{{4}}\b)?)
  | (?P<monthday>\b{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?![:.,]\d|\s*(?:%|percent))(?:,?\s+\d{{4}}\b)?)
  | (?P<month>\b{_MONTH}(?:\s+(?:of\s+)?\d{{4}}\b)?)
  | (?P<weekday>\b(?:{_either(WEEKDAYS)})\b)
  | (?P<clock>\b\d{{1,2}}[:.]\d{{2}}\s*(?:[ap]\.?\s?m\b\.?|uhr\b|o'clock\b|h\b)|\b\d{{1,2}}:\d{{2}}(?::\d{{2}})?\b
        |\b\d{{1,2}}\s?(?:[ap]\.?m\b\.?|uhr\b|o'clock\b))
  | (?P<decade>\b\d{{3}}0s\b)
  | (?P<nth>\b\d+(?:st|nd|rd|th|ten|te|ter)\b)
  | (?P<code>(?<![\w$€£])(?:(?=[\w/&.\-]{{0,40}}\d)(?=[\w/&.\-]{{0,40}}[^\W\d_])
        (?!\d+(?:[.,]\d+)*(?:{_UNIT}|{_SCALE}|{_MONEY})\b)(?!\d+-[^\W\d])(?!(?:{_MONEY})\d)
        [^\W_][\w&]*(?:[-/.&][\w&]+)*)|(?<![\w.,])\d+(?:[./-]\d+){{2,}}(?![\w]))
  | (?:(?P<before>{_SYMBOL}|\b(?:{_MONEY}))\s?)?(?<![\d.,]\d)(?<!\d[.,])(?P<number>{_NUMBER})
        (?P<scale>\s?(?:{_SCALE})\b\.?)?
        (?P<after>\s?{_SYMBOL}|[\s-]?(?:{_MONEY})\b|\s?[%‰]|(?:\s{{0,6}}|-)(?:{_PERCENT}\b|(?:{_UNIT})(?![^\W\d_])))?
  | (?P<words>\b(?:{_WORD_NUMBER}))\b(?P<wordscale>\s(?:{_SCALE})\b)?
        (?P<wordafter>[\s-]?(?:{_MONEY})\b|(?:\s{{0,6}}|-)(?:{_PERCENT}\b|(?:{_UNIT})(?![^\W\d_])))?
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_JOINED = re.compile(r"\s*(?:-|–|—|/|to|and|or|bis|und|oder)\s*", re.IGNORECASE)
_NOT_MORE = r"(?:no|not|nicht)\s+(?:more|greater|higher|longer|later|mehr|länger|später)\s+(?:than|als)"
_NOT_LESS = r"(?:no|not|nicht)\s+(?:less|fewer|earlier|lower|weniger|früher)\s+(?:than|als)"
_BELOW = re.compile(
    rf"(?:{_NOT_MORE}|(?<!no\s)(?<!not\s)(?<!nicht\s)\b(?:less|fewer|lower|smaller|shorter|weniger|kürzer|niedriger)\s+(?:than|als)"
    r"|\b(?:at\s+most|up\s+to|maximum(?:\s+of)?|max\.?|under|below|within|höchstens|maximal|bis\s+zu|unter|innerhalb\s+von|"
    r"limit(?:\s+of)?|limited\s+to|cap(?:ped)?\s+at))\s+(?:(?:the|a|an|about|of|eur|usd|[€$£])\s*)*$",
    re.IGNORECASE,
)
_ABOVE = re.compile(
    rf"(?:{_NOT_LESS}|(?<!no\s)(?<!not\s)(?<!nicht\s)\b(?:more|greater|higher|larger|longer|mehr|länger|höher)\s+(?:than|als)"
    r"|\b(?:at\s+least|minimum(?:\s+of)?|min\.?|over|above|exceed(?:s|ing|ed)?|mindestens|wenigstens|über|ab))"
    r"\s+(?:(?:the|a|an|about|of|eur|usd|[€$£])\s*)*$",
    re.IGNORECASE,
)
_OR_MORE = re.compile(
    r"\s*(?:\+|(?:or|and|oder|und)\s+(?:more|above|over|mehr|darüber|longer|länger|higher)\b|at\s+least\b)",
    re.IGNORECASE,
)
_OR_LESS = re.compile(
    r"\s*(?:(?:or|and|oder|und)\s+(?:less|fewer|below|under|weniger|darunter|shorter)\b|at\s+most\b|maximum\b|max\b)",
    re.IGNORECASE,
)
_GROUPING = re.compile(r"[\u00a0\u202f '’]")
_EDGES = re.compile(r"^[\s-]+|[\s-]+$")
# Letters that match others where case is ignored, but are not turned into them by lower().
_ODD_LETTERS = str.maketrans({"ſ": "s", "\u212a": "k", "İ": "I", "ı": "i"})
_DIGITS = re.compile(r"\d+")
_FIRST_SIGN = re.compile(r"\d")
_LETTERS = re.compile(r"[^\W\d_]+")
_WORDS_OF = frozenset(NUMBER_WORDS) | frozenset(MONTHS) | frozenset(WEEKDAYS)


def quantities(text: str, *, language: str = "") -> list[Quantity]:
    """Return the quantities of `text` in order; `language` ("de", "en", "") decides what 1.500 means."""
    text = text.translate(_ODD_LETTERS)
    if not _FIRST_SIGN.search(text) and _WORDS_OF.isdisjoint(_LETTERS.findall(text.lower())):
        return []
    read = (_read(match, language) for match in _QUANTITY.finditer(text))
    return _share_units(text, [_with_bound(text, quantity) for quantity in read if quantity is not None])


def _read(match: re.Match[str], language: str) -> Quantity | None:
    """Return what one match of the pattern stands for."""
    start, end = match.span()
    shown = match.group().strip()
    start += len(match.group()) - len(match.group().lstrip())
    kind = match.lastgroup
    if match["number"]:
        return _number(match, start, end, shown, language)
    if match["words"]:
        return _spelled(match, start, end, shown)
    if kind in ("iso", "dotted", "slashed", "daymonth", "monthday", "month"):
        dates = _dates(kind, shown)
        if not dates and kind != "month":  # 52 June is no date, and must not pass for nothing
            return Quantity(start, end, "code", frozenset({shown.casefold()}), "", shown)
        return Quantity(start, end, "date", frozenset(dates), "", shown) if dates else None
    if kind == "weekday":
        return Quantity(start, end, "weekday", frozenset({float(WEEKDAYS[shown.lower()])}), "", shown)
    if kind == "clock":
        return Quantity(start, end, "time", frozenset({_minutes(shown)}), "", shown)
    if kind == "decade":
        return Quantity(start, end, "code", frozenset({shown.lower()}), "", shown)
    if kind == "nth":
        digits = _DIGITS.match(shown)
        return Quantity(start, end, "ordinal", frozenset({float(digits[0])}), "", shown) if digits else None
    return Quantity(start, end, "code", frozenset({re.sub(r"[-/.&]", "", shown.casefold())}), "", shown)


def _number(match: re.Match[str], start: int, end: int, shown: str, language: str) -> Quantity:
    before = (match["before"] or "").strip().lower()
    after = _EDGES.sub("", match["after"] or "").lower()
    values = _readings(match["number"], language)
    if match["scale"]:
        scale = SCALES[match["scale"].strip().rstrip(".").lower()]
        values = frozenset(value * scale for value in values)
    if before and after == "m":  # $3m
        values, after = frozenset(value * 1e6 for value in values), ""
        return Quantity(start, end, "money", values, CURRENCIES[before], shown)
    if before:
        # A second unit after an amount of money (EUR 0.30 per km) is no part of the amount.
        after = "" if after not in CURRENCIES else after
        end = end if after or not match["after"] else match.start("after")
        return Quantity(start, end, "money", values, CURRENCIES[before], shown[: end - start])
    if not after and not match["scale"] and re.fullmatch(r"1\d{3}|20\d{2}", match["number"]):
        return Quantity(start, end, "date", frozenset({(int(match["number"]), 0, 0)}), "", shown)
    return _measured(start, end, shown, values, after)


def _spelled(match: re.Match[str], start: int, end: int, shown: str) -> Quantity | None:
    after = _EDGES.sub("", match["wordafter"] or "").lower()
    parts = re.split(r"[- ]", match["words"].lower())
    if (
        parts in (["one"], ["ein"], ["eine"], ["einen"], ["einem"], ["einer"], ["eins"], ["a"], ["an"])
        and not after
        and not match["wordscale"]
    ):
        return None
    total, current = 0.0, 0.0
    for part in parts:
        value = NUMBER_WORDS[part]
        if value == 100:
            current = max(current, 1) * 100
        elif value >= 1000:
            total, current = total + max(current, 1) * value, 0
        else:
            current += value
    value = total + current
    if match["wordscale"]:
        value *= SCALES[match["wordscale"].strip().lower()]
    return _measured(start, end, shown, frozenset({value}), after)


def _measured(start: int, end: int, shown: str, values: frozenset[float], after: str) -> Quantity:
    if after in CURRENCIES:
        cents = 100.0 if CURRENCIES[after] == "cent" else 1.0
        amounts = frozenset(value / cents for value in values)
        currency = "" if cents > 1 else CURRENCIES[after]
        return Quantity(start, end, "money", amounts, currency, shown, counts=values)
    if after in ("%", "percent", "prozent") or after.startswith(("per", "prozent")):
        return Quantity(start, end, "percent", values, "", shown)
    if after == "‰":
        return Quantity(start, end, "measure", values, "‰", shown)
    if after:
        factor, unit = UNITS[after]
        scaled = frozenset(round(value * factor, 9) for value in values)
        return Quantity(start, end, "measure", scaled, unit, shown, counts=values)
    return Quantity(start, end, "number", values, "", shown)


def _readings(written: str, language: str) -> frozenset[float]:
    """Return what a number may mean: points and commas group digits or begin the decimals."""
    plain = _GROUPING.sub("", written)
    marks = [mark for mark in plain if mark in ".,"]
    if not marks:
        return frozenset({float(plain)})
    if len(set(marks)) == 2:  # 1,234.5 or 1.234,5: the last one begins the decimals
        return frozenset({float(plain.replace(marks[0], "").replace(marks[-1], "."))})
    grouped, decimal = float(re.sub(r"[.,]", "", plain)), None
    if len(marks) > 1:
        return frozenset({grouped})
    decimal = float(plain.replace(",", "."))
    head, _, tail = re.split(r"([.,])", plain)
    if len(tail) != 3 or head == "0" or len(head) > 3:
        return frozenset({decimal})
    if (language, marks[0]) in {("de", "."), ("en", ",")}:
        return frozenset({grouped})
    if (language, marks[0]) in {("de", ","), ("en", ".")}:
        return frozenset({decimal})
    return frozenset({grouped, decimal})


def _dates(kind: str, shown: str) -> list[tuple[int, int, int]]:
    numbers = [int(digits) for digits in _DIGITS.findall(shown)]
    if kind == "iso":
        found = [(numbers[0], numbers[1], numbers[2])]
    elif kind == "dotted":
        found = [(_year(numbers[2]), numbers[1], numbers[0])]
    elif kind == "slashed":
        found = [(_year(numbers[2]), numbers[0], numbers[1]), (_year(numbers[2]), numbers[1], numbers[0])]
    else:
        name = next(
            iter(
                re.findall(
                    r"[^\W\d_]{3,}", re.sub(r"\bof\b|\d+(?:st|nd|rd|th)", " ", shown, flags=re.IGNORECASE)
                )
            ),
            "",
        )
        month = MONTHS.get(name.lower(), 0)
        if kind == "month":
            if not numbers and (name.islower() or len(name) <= 3):  # may, march, dec: seldom the month
                return []
            found = [(numbers[0] if numbers else 0, month, 0)]
        else:
            found = [(numbers[1] if len(numbers) > 1 else 0, month, numbers[0])]
    return [date for date in found if date[1] <= 12 and date[2] <= 31]


def _year(number: int) -> int:
    return number if number > 99 else number + (2000 if number < 70 else 1900)


def _minutes(shown: str) -> float:
    """Return a time of day in minutes."""
    numbers = [int(digits) for digits in _DIGITS.findall(shown)]
    hour, minute = numbers[0], numbers[1] if len(numbers) > 1 else 0
    half = re.search(r"([ap])\.?\s?m", shown, re.IGNORECASE)
    if half:
        hour = hour % 12 + (12 if half[1].lower() == "p" else 0)
    return hour * 60.0 + minute + (numbers[2] / 60 if len(numbers) > 2 else 0)


def _with_bound(text: str, quantity: Quantity) -> Quantity:
    if quantity.kind in ("code", "weekday", "ordinal"):
        return quantity
    head = text[max(0, quantity.start - 32) : quantity.start]
    tail = text[quantity.end : quantity.end + 16]
    if _BELOW.search(head) or _OR_LESS.match(tail):
        return replace(quantity, bound="<")
    if _ABOVE.search(head) or _OR_MORE.match(tail):
        return replace(quantity, bound=">")
    return quantity


def _share_units(text: str, found: list[Quantity]) -> list[Quantity]:
    """In 3 to 5 days, EUR 20-30 and between 3 and 15 years both numbers have the unit."""
    return list(_shared(text, found))


def _shared(text: str, found: list[Quantity]) -> Iterator[Quantity]:
    for at, quantity in enumerate(found):
        if quantity.kind not in ("number", "date") or (
            quantity.kind == "date" and quantity.shown.isdigit() is False
        ):
            yield quantity
            continue
        after = found[at + 1] if at + 1 < len(found) else None
        before = found[at - 1] if at else None
        if (
            after
            and after.kind in ("measure", "percent", "money")
            and _JOINED.fullmatch(text[quantity.end : after.start])
            and not (after.kind == "money" and after.shown[0] in "€$£")
        ):
            yield _in_unit_of(quantity, after)
        elif (
            before
            and before.kind == "money"
            and _JOINED.fullmatch(text[before.end : quantity.start])
            and "-–—".find(text[before.end : quantity.start].strip() or "x") >= 0
        ):
            yield _in_unit_of(quantity, before)
        else:
            yield quantity


def _in_unit_of(quantity: Quantity, other: Quantity) -> Quantity:
    values = frozenset(float(value[0]) if isinstance(value, tuple) else value for value in quantity.values)
    if other.kind == "measure":
        word = re.sub(r"^[\d.,\s'’-]+", "", other.shown).strip().lower()
        factor = UNITS.get(word, (1.0, ""))[0]
        values = frozenset(
            round(value * factor, 9) if isinstance(value, float) else value for value in values
        )
    return replace(quantity, kind=other.kind, unit=other.unit, values=values)
