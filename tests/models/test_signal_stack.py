from __future__ import annotations

import subprocess
import sys

import pytest

SIGNAL_AFTER_CLOSING = """
import faulthandler, gc, signal
faulthandler.enable()
from ragraft.models.files import embedder_folder
from ragraft.models.encoders import OpenVinoEmbedder

handled = []
signal.signal(signal.SIGUSR1, lambda *_: handled.append(True))
models = [OpenVinoEmbedder(embedder_folder(), name="m", threads=1) for _ in range(2)]
while models:
    models.pop({which})
    gc.collect()
signal.raise_signal(signal.SIGUSR1)
print(len(handled))
"""


@pytest.mark.parametrize("which", [0, -1], ids=["first opened, first closed", "last opened, first closed"])
def test_a_signal_is_handled_after_models_were_closed(which: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SIGNAL_AFTER_CLOSING.format(which=which)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "1\n")
