"""The example company holds together: quotes, rights, and files built from their sources."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

COMPANY = Path(__file__).parents[2] / "examples" / "company"
BUILT = ["legal/contract-guide.docx", "operations/hall-4-safety-manual.pdf", "people/salary-bands-2026.xlsx"]


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=120
    )


def test_questions_and_rights_fit_the_documents():
    result = run(COMPANY / "check.py")
    assert result.returncode == 0, result.stderr


def test_a_changed_figure_in_a_quote_is_found(tmp_path):
    company = tmp_path / "company"
    shutil.copytree(COMPANY, company)
    changed = company / "documents/support/complaints-and-returns.md"
    changed.write_text(changed.read_text(encoding="utf-8").replace("EUR 120", "EUR 130"), encoding="utf-8")

    result = run(company / "check.py")

    assert result.returncode == 1
    assert "company-007: the quote stands 0 times in support/complaints-and-returns.md" in result.stderr


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
