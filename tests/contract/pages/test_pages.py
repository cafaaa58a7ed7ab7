"""The pages of calls and events load in a browser, show everything there is, and complain of nothing."""

import functools
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
API = ROOT / "docs" / "api"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LOADED_S_MAX = 180
"""For the browser to start, load a page and run what it has to."""
VIRTUAL_MS = 60_000
"""Time of the page's own clock that may pass until it is looked at: as long as it takes where it waits for nothing."""
_CONSOLE = re.compile(r":CONSOLE[:(]")


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("chromium is not installed: it comes with Debian's package chromium")
    return found


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Write nothing of each request."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve the repository as the pages' own comments say; give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(ROOT)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def loaded(browser: str, url: str, profile: Path) -> tuple[str, list[str]]:
    """Load a page; give the document as it then stands, and what it wrote to the console."""
    command = [
        *(browser, "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions"),
        # Containers have neither the rights for its sandbox nor the memory for its files; the pages are our own.
        *("--no-sandbox", "--disable-dev-shm-usage"),
        *(f"--user-data-dir={profile}", f"--virtual-time-budget={VIRTUAL_MS}"),
        *("--enable-logging=stderr", "--dump-dom", url),
    ]
    environment = {**os.environ, "HOME": str(profile)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=LOADED_S_MAX, env=environment, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if _CONSOLE.search(line)]


def document(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((API / name).read_text())
    return read


def test_the_page_of_calls_shows_each_service(browser: str, site: str, tmp_path: Path) -> None:
    shown, console = loaded(browser, f"{site}/docs/api/openapi.html", tmp_path)

    assert console == []
    services = [tag["name"] for tag in document("openapi.yaml")["tags"]]
    assert len(services) >= 15
    assert [name for name in services if f'data-tag="{name}"' not in shown] == []


def test_the_page_of_events_shows_each_event(browser: str, site: str, tmp_path: Path) -> None:
    shown, console = loaded(browser, f"{site}/docs/api/asyncapi.html", tmp_path)

    assert console == []
    events = list(document("asyncapi.yaml")["components"]["messages"])
    assert len(events) >= 60
    assert [name for name in events if name.rpartition(".")[2] not in shown] == []


@pytest.mark.parametrize("page", ["openapi.html", "asyncapi.html"])
def test_a_page_asks_for_nothing_but_files_that_are_here(page: str) -> None:
    text = (API / page).read_text()
    files = re.findall(r'(?:src|href)="(?!data:)([^"]+)"|url: "([^"]+)"', text)
    asked = [name for pair in files for name in pair if name]

    assert len(asked) == 3
    assert [name for name in asked if not (API / name).is_file()] == []
    assert "://" not in text
