"""A file of prices is read, or refused with every fault."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ragraft.compare import prices as module
from ragraft.compare.prices import Span, read_prices
from ragraft.errors import UserError

GOOD = """
currency = "EUR"
dated = 2026-11-01
refreshes_per_month = [1, 4]

[per_hour]
training = [0.9, 1.4]

[per_million_tokens]
prompt = 0.15

[hosting_per_month]
small = 20
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as caught:
        read_prices(written(folder, text))
    assert caught.value.hint
    return str(caught.value)


def test_prices_have_a_date_and_a_currency(tmp_path: Path) -> None:
    found = read_prices(written(tmp_path, GOOD))
    assert (found.currency, found.dated) == ("EUR", date(2026, 11, 1))


def test_a_price_is_a_number_or_a_range(tmp_path: Path) -> None:
    found = read_prices(written(tmp_path, GOOD)).unit_prices()
    assert found["per_hour.training"] == Span(0.9, 1.4)
    assert found["hosting_per_month.small"] == Span(20, 20)


def test_tokens_are_priced_by_the_million(tmp_path: Path) -> None:
    found = read_prices(written(tmp_path, GOOD)).unit_prices()
    assert found["per_million_tokens.prompt"].low == pytest.approx(0.15e-6)


def test_a_price_that_is_not_given_is_not_zero(tmp_path: Path) -> None:
    assert "per_million_tokens.output" not in read_prices(written(tmp_path, GOOD)).unit_prices()


@pytest.mark.parametrize("price", ["[2, 1]", "-1", "[1, inf]", "nan", "true", '"3"', "[1, 2, 3]", "1e12"])
def test_what_is_no_price_is_refused_with_its_key(tmp_path: Path, price: str) -> None:
    said = faults(tmp_path, GOOD.replace("small = 20", f"small = {price}"))
    assert "hosting_per_month.small: must" in said


@pytest.mark.parametrize(
    ("line", "instead", "key"),
    [
        ('currency = "EUR"', 'currency = "euro"', "currency"),
        ("dated = 2026-11-01", "dated = 3", "dated"),
        ("dated = 2026-11-01", "", "dated"),
        ("prompt = 0.15", "promt = 0.15", "per_million_tokens.promt is no price"),
    ],
)
def test_a_fault_names_its_key(tmp_path: Path, line: str, instead: str, key: str) -> None:
    assert key in faults(tmp_path, GOOD.replace(line, instead))


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    said = faults(tmp_path, GOOD.replace('"EUR"', '"euro"').replace("small = 20", "small = -1"))
    assert "currency" in said
    assert "small" in said


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in faults(tmp_path, "currency = EUR")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_prices(tmp_path / "prices.toml")


def test_the_example_at_the_top_of_the_module_is_a_file_of_prices(tmp_path: Path) -> None:
    example = (module.__doc__ or "").partition("\n\n")[2]
    lines = [line.removeprefix("    ") for line in example.splitlines()]
    assert read_prices(written(tmp_path, "\n".join(lines))).currency == "EUR"
