"""The three files of a report, side by side in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ragraft.compare.report.page import report_page
from ragraft.compare.report.text import report_text
from ragraft.compare.report_file import write_report, write_whole
from ragraft.compare.results import Report
from ragraft.errors import UserError

__all__ = ["ReportFiles", "write_folder"]


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where a report is: to look at, to read in a terminal, to compute with."""

    page: Path
    text: Path
    json: Path


def write_folder(folder: Path, report: Report) -> ReportFiles:
    """Write a report into a folder, which is made; what is there of an older one is replaced.

    The file to compute with comes first: if a page cannot be made of it, what was measured is not lost.

    Raises: UserError if the folder cannot be written to.
    """
    files = ReportFiles(folder / "report.html", folder / "report.md", folder / "report.json")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error}", hint="give another folder with --out") from error
    write_report(files.json, report)
    write_whole(files.text, report_text(report))
    write_whole(files.page, report_page(report))
    return files
