"""The example company holds together: quotes, changes, terms, rights, and files built from their sources."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

COMPANY = Path(__file__).parents[2] / "examples" / "company"
BUILT = [
    "company/autumn-meeting-2026.pptx",
    "finance/budget-2027.xlsx",
    "legal/contract-guide.docx",
    "legal/record-retention.docx",
    "operations/hall-4-safety-manual.pdf",
    "people/salary-bands-2026.xlsx",
    "quality/internal-audit-brno-2026.docx",
    "quality/supplier-quality-manual.pdf",
    "sales/customer-conditions-2026.xlsx",
]


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A copy of the example that a test may damage."""
    return shutil.copytree(COMPANY, tmp_path / "company")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def faults(company: Path) -> str:
    """What check.py prints about a damaged company; it must leave with 1."""
    result = run(company / "check.py")
    assert result.returncode == 1
    return result.stderr


def test_questions_changes_terms_and_rights_fit_the_documents():
    result = run(COMPANY / "check.py")
    assert result.returncode == 0, result.stderr


def test_a_changed_figure_in_a_quote_is_found(company):
    replace(company / "documents/support/complaints-and-returns.md", "EUR 120", "EUR 130")
    assert "company-007: the quote stands 0 times in support/complaints-and-returns.md" in faults(company)


def test_a_question_moved_to_the_other_side_of_the_split_is_found(company):
    train, test = company / "questions/train.jsonl", company / "questions/test.jsonl"
    first, rest = train.read_text(encoding="utf-8").split("\n", 1)
    train.write_text(rest, encoding="utf-8")
    test.write_text(test.read_text(encoding="utf-8") + first + "\n", encoding="utf-8")
    document = json.loads(first)["evidence"][0]["document"]

    assert f"{document}: used in train.jsonl and in test.jsonl" in faults(company)


def test_a_change_whose_old_text_is_gone_is_found(company):
    replace(
        company / "documents/finance/customer-credit.md", "EUR 2,500 for customers", "EUR 3,000 for customers"
    )
    assert "change-101: the text to change stands 0 times in finance/customer-credit.md" in faults(company)


def test_a_term_that_is_no_longer_defined_is_found(company):
    replace(company / "documents/legal/reporting-channel.txt", "A lamp talk is a talk", "This is a talk")
    assert "term Lamp talk: the quote stands 0 times in legal/reporting-channel.txt" in faults(company)


def test_a_document_without_rights_is_found(company):
    replace(company / "access.json", '"people/merkblatt-krankmeldung.md"', '"people/merkblatt.md"')
    assert "access.json: people/merkblatt-krankmeldung.md is missing" in faults(company)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    result = run(COMPANY / "build_binaries.py", str(folder))
    assert result.returncode == 0, result.stderr
    return folder


def contents(path: Path) -> object:
    """Everything in a file but how it was compressed, which depends on the zlib at hand."""
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return [(member.filename, member.date_time, archive.read(member)) for member in archive.infolist()]


@pytest.mark.parametrize("name", BUILT)
def test_the_shipped_file_is_what_its_source_gives(built, name):
    assert contents(built / name) == contents(COMPANY / "documents" / name)


def test_building_again_gives_the_same_bytes(built, tmp_path):
    run(COMPANY / "build_binaries.py", str(tmp_path))
    assert [(tmp_path / name).read_bytes() for name in BUILT] == [
        (built / name).read_bytes() for name in BUILT
    ]


def test_every_source_of_a_built_file_is_listed(built):
    found = sorted(path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file())
    assert found == BUILT
