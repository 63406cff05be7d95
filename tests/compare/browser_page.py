"""A page in a browser without a window, spoken to over a pair of pipes."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

BROWSER = shutil.which("chromium")
PATIENCE = 60.0
"""Seconds that the browser has for an answer."""


class BrowserPage:
    """One tab. `complaints` are what the browser said against the page: errors, and what its policy forbade."""

    def __init__(self, to: int, back: int) -> None:
        self.complaints: list[str] = []
        self._to, self._back = to, back
        self._number, self._rest, self._session = 0, b"", None
        self._happened: set[str] = set()
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser to do something and return what came of it."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._to, json.dumps(asked).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self._number:
                assert "error" not in said, said
                found: dict[str, Any] = said["result"]
                return found

    def open(self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a file and wait until it is there."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self._happened.clear()
        self.send("Page.navigate", url=path.resolve().as_uri())
        while "Page.loadEventFired" not in self._happened:
            self._next()

    def run(self, script: str) -> Any:
        """Return what an expression in the page gives."""
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def picture(self, path: Path) -> None:
        """Write the whole page, from top to bottom, as a picture."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True, fromSurface=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def printed(self) -> bytes:
        """Return the page as it would be printed."""
        return base64.b64decode(
            self.send("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.7)["data"]
        )

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._back], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            read = os.read(self._back, 1 << 20)
            assert read, "the browser has gone"
            self._rest += read
        first, _, self._rest = self._rest.partition(b"\0")
        said: dict[str, Any] = json.loads(first)
        self._note(said)
        return said

    def _note(self, said: dict[str, Any]) -> None:
        method, told = said.get("method", ""), said.get("params", {})
        self._happened.add(method)
        if method == "Log.entryAdded":
            self.complaints.append(told["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
            self.complaints.append(str(told["args"]))


@contextmanager
def browser_page(profile: Path) -> Iterator[BrowserPage]:
    """Yield a tab of a browser that ends with the block."""
    assert BROWSER is not None
    its_in, to = os.pipe()
    back, its_out = os.pipe()
    # The browser reads from 3 and writes to 4.
    shell = f'exec "$0" "$@" 3<&{its_in} 4>&{its_out}'
    command = [
        "bash", "-c", shell, BROWSER, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
        "--no-first-run", "--disable-background-networking", "--disable-dev-shm-usage", "--hide-scrollbars",
        f"--user-data-dir={profile}",
    ]  # fmt: skip
    running = subprocess.Popen(
        command, pass_fds=(its_in, its_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(its_in)
    os.close(its_out)
    try:
        page = BrowserPage(to, back)
        yield page
        with suppress(AssertionError, OSError):
            page._session = None
            page.send("Browser.close")
    finally:
        running.terminate()
        running.wait(timeout=20)
        os.close(to)
        os.close(back)
