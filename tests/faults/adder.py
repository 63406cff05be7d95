"""A process that adds a folder, for tests that kill it: WORKSPACE DSN FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from ragraft.access.labels import OWNER, AccessRules
from ragraft.config import Settings
from ragraft.models.fake import FakeChatModel, FakeEmbedder
from ragraft.systems import Workbench
from ragraft.workspace import Workspace


def main() -> None:
    """Add the folder and print how many documents were added or replaced."""
    root, dsn, folder = sys.argv[1:]
    database = {"dsn": dsn} if dsn else {"idle_seconds": 2.0}
    workspace = Workspace(Path(root), Settings.model_validate({"database": database}))
    with Workbench(workspace, embedder=FakeEmbedder(), model=FakeChatModel()) as bench:
        print("ready", flush=True)
        report = bench.sync.add_path(Path(folder), rules=AccessRules(), caller=OWNER)
        print(report.added, report.replaced, report.removed, report.unchanged, len(report.failed), flush=True)


if __name__ == "__main__":
    main()
