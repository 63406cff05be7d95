"""The user's prices: a dated TOML file, in which each price is a number or a range from low to high.

currency = "EUR"
dated = 2026-11-01
months = 12                     # how long what was built is paid off
refreshes_per_month = [1, 4]    # how often the documents change so much that systems must follow

[per_hour]
training = [0.9, 1.4]
search = 0.2

[per_million_tokens]
prompt = 0.15
cached = 0.04
output = [0.5, 0.7]

[hosting_per_month]
small = 20
gpu = [350, 600]
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from ragraft.errors import UserError

__all__ = ["PriceList", "Span", "read_prices"]

HINT = 'a price is a number or a range like [0.9, 1.4]; see "Prices" in docs/concepts/comparing.md'
LARGEST = 1e9


@dataclass(frozen=True, slots=True)
class Span:
    """A number that is known only to lie between `low` and `high`."""

    low: float
    high: float


def _span(value: Any) -> Span:
    if isinstance(value, Span):
        return value
    ends = value if isinstance(value, list) else [value, value]
    if len(ends) != 2 or not all(type(one) in (int, float) for one in ends):
        raise ValueError("must be a number or two of them, [low, high]")
    low, high = map(float, ends)
    if not (math.isfinite(low) and math.isfinite(high) and 0 <= low <= high <= LARGEST):
        raise ValueError(f"must not be below 0 nor above {LARGEST:,.0f}, and the lower number comes first")
    return Span(low, high)


def _ends(span: Span) -> list[float]:
    return [span.low, span.high]


Price = Annotated[Span, BeforeValidator(_span), PlainSerializer(_ends)]
"""Read as a file has it, and written so that it can be read again."""


class Table(BaseModel):
    """A table of the file. A price that is not given is not zero: what needs it cannot be told."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class PerHour(Table):
    """Prices of an hour of a machine."""

    training: Price | None = None
    search: Price | None = None


class PerMillionTokens(Table):
    """Prices of a million tokens."""

    prompt: Price | None = None
    cached: Price | None = None
    output: Price | None = None
    embedding: Price | None = None
    teacher_prompt: Price | None = None
    teacher_output: Price | None = None
    judge_prompt: Price | None = None
    judge_output: Price | None = None


class PriceList(Table):
    """Everything in the file."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    dated: date = Field(strict=True)
    months: float = Field(12, gt=0, le=120, strict=True)
    refreshes_per_month: Price = Span(0.0, 0.0)
    per_hour: PerHour = PerHour()
    per_million_tokens: PerMillionTokens = PerMillionTokens()
    hosting_per_month: Mapping[str, Price] = {}

    def unit_prices(self) -> dict[str, Span]:
        """Return what one unit of everything that is priced costs: an hour, a token, a month of a host."""
        hours = {f"per_hour.{name}": span for name, span in self.per_hour}
        tokens = {
            f"per_million_tokens.{name}": None if span is None else Span(span.low / 1e6, span.high / 1e6)
            for name, span in self.per_million_tokens
        }
        hosts = {f"hosting_per_month.{name}": span for name, span in self.hosting_per_month.items()}
        return {name: span for name, span in {**hours, **tokens, **hosts}.items() if span is not None}


def read_prices(path: Path) -> PriceList:
    """Return the prices of a file.

    Raises: UserError naming every fault at once, each with its key.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", hint="it must be a TOML file in UTF-8") from error
    try:
        return PriceList.model_validate(values)
    except ValidationError as error:
        faults = [_fault(item) for item in error.errors(include_input=False, include_url=False)]
        raise UserError(f"prices in {path} are wrong: " + "; ".join(faults), hint=HINT) from error


def _fault(item: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{where} is no price"
    said = item["msg"].removeprefix("Value error, ")
    return f"{where}: {said[:1].lower()}{said[1:]}"
