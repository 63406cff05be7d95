"""Ctrl-C while adding: what was committed stays, and the message says how to go on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

WORDS = ("pump", "valve", "seal", "motor", "invoice", "contract", "supplier", "holiday", "budget", "audit")
PAGES = 40


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_committed_and_says_how_to_go_on(tmp_path: Path, dsn: str) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(PAGES):
        draw = random.Random(number)
        paragraphs = [" ".join(draw.choices(WORDS, k=90)) + "." for _ in range(16)]
        (folder / f"page-{number:02}.md").write_text(f"# Page {number}\n\n" + "\n\n".join(paragraphs))
    command = [Path(sys.executable).with_name("ragraft"), "add", folder, "--json"]
    environment = {**os.environ, "RAGRAFT_DSN": dsn}
    adding = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_a_document(dsn, adding)
    adding.send_signal(signal.SIGINT)
    out, err = adding.communicate(timeout=60)
    assert adding.returncode == 130, err
    assert out == ""
    assert "run the same command again" in err
    assert "Traceback" not in err
    kept = committed(dsn)
    assert 0 < kept < PAGES
    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    report = json.loads(again.stdout)
    assert (report["added"], report["unchanged"]) == (PAGES - kept, kept)


def wait_for_a_document(dsn: str, adding: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if committed(dsn):
            return
        assert adding.poll() is None
        time.sleep(0.1)
    pytest.fail("nothing was committed within a minute")


def committed(dsn: str) -> int:
    with psycopg.connect(dsn, options="-c ragraft.owner=on") as connection:
        row = connection.execute("select count(*) from ragraft.document").fetchone()
    return row[0] if row else 0
