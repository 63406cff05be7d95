"""No file sends anybody to a package registry: where packages come from is the reader's own setting."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_pages import ROOT, project_files

# Put together here, so that this file does not name them either.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("pypi", "python", "org"),
        ("anaconda", "org"),
        ("anaconda", "com"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("golang", "org"),
        ("maven", "org"),
        ("download", "pytorch", "org"),
        ("packages", "debian", "org"),
        ("deb", "debian", "org"),
    )
]


def registries_in(path: Path) -> list[str]:
    """Return the package registries that a file names."""
    content = path.read_bytes().lower()
    return [host for host in REGISTRIES if host.encode() in content]


def test_no_file_names_the_host_of_a_package_registry() -> None:
    found = {path.relative_to(ROOT).as_posix(): registries_in(path) for path in project_files()}
    assert {name: hosts for name, hosts in found.items() if hosts} == {}


@pytest.mark.parametrize("host", REGISTRIES)
def test_a_registry_s_host_is_found(host: str, tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_text(f"see https://files.{host.upper()}/simple", encoding="utf-8")
    assert host in registries_in(file)
