"""docs/http.md is what happens: each example runs, by curl, through Envoy, on the real services."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from paykit.base.endpoints import Endpoints
from paykit.process.catalogue import service_names
from tests.e2e.conftest import Line
from tests.line.clients import new_request_id
from tests.line.gateway import gateway
from tests.line.processes import ROOT

DOCUMENT = ROOT / "docs/http.md"
EXAMPLES = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
STRICT = """set -eEuo pipefail
trap 'echo "docs/http.md fails at: $BASH_COMMAND" >&2' ERR
"""
RUN_S_MAX = 240.0
SAID_MAX = 3_000
"""Characters of a failed run that are shown."""


@pytest.fixture(scope="module")
async def url(line: Line, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    services = dict.fromkeys(service_names(), line.settings.grpc_address)
    with gateway(tmp_path_factory.mktemp("gateway"), services) as found:
        yield found


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on PATH")
async def test_every_example_runs(line: Line, url: str, tmp_path: Path) -> None:
    home = tmp_path / ".paystream"
    home.mkdir()
    services = dict.fromkeys(service_names(), line.settings.grpc_address)
    Endpoints(kafka="", registry="", postgres="", services=services, gateway=url).write(home)
    script = STRICT + "\n".join(EXAMPLES.findall(DOCUMENT.read_text(encoding="utf-8")))
    ran = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", script],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-SAID_MAX:] + ran.stderr[-SAID_MAX:]


async def test_a_request_that_comes_again_changes_nothing_and_says_so(url: str) -> None:
    request = {"request_id": new_request_id(), "display_name": "Shop", "contact_email": "owner@shop.example"}
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        first, again = [await http.post("/operations/v1/merchants", json=request) for _ in range(2)]
        other = await http.post("/operations/v1/merchants", json=request | {"display_name": "Another"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert (other.status_code, other.json()["details"][0]["reason"]) == (409, "REQUEST_ID_REUSED")
