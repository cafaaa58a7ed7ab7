"""The programs of docs/webhooks.md take what is genuine, and nothing else."""

import asyncio
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from services.notification.domain.webhooks import signing

DOCUMENT = Path(__file__).parents[4] / "docs/webhooks.md"
RECIPE = re.compile(r"^```(python|go|javascript)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECRET, OTHER = (signing.derive_secret(b"k" * 32, "whe_1", number) for number in (1, 2))
BODY = '{"type":"order.OrderPaid","timestamp":"","data":{"event_id":"evt_1","name":"茶"}}'.encode()
START_S_MAX = 240.0
"""A Go that never ran compiles its own libraries first."""

COMMANDS: Mapping[str, tuple[str, Callable[[Path], Sequence[str]]]] = {
    "python": (sys.executable, lambda path: (str(path),)),
    "go": ("go", lambda path: ("run", str(path))),
    "javascript": ("node", lambda path: (str(path),)),
}
SUFFIXES = {"python": ".py", "go": ".go", "javascript": ".js"}


def recipes() -> dict[str, str]:
    return dict(RECIPE.findall(DOCUMENT.read_text(encoding="utf-8")))


@asynccontextmanager
async def running(language: str, directory: Path) -> AsyncIterator[str]:
    """Run a recipe, and give its address once it answers."""
    program, arguments = COMMANDS[language]
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not on this machine")
    path = directory / f"recipe{SUFFIXES[language]}"
    path.write_text(recipes()[language], encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"WEBHOOK_SECRET": SECRET, "PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        found, *arguments(path), env=environment, cwd=directory, start_new_session=True
    )
    try:
        await _answers(port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(process.pid, 9)
        await process.wait()


async def _answers(port: int) -> None:
    async with asyncio.timeout(START_S_MAX):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def signed(*secrets: str, at_s: float) -> dict[str, str]:
    return signing.headers(secrets, message_id="evt_1", timestamp_s=int(at_s), body=BODY)


@pytest.mark.parametrize("language", COMMANDS)
async def test_recipe_takes_what_is_genuine_and_nothing_else(language: str, tmp_path: Path) -> None:
    now = time.time()
    good = signed(SECRET, at_s=now)
    cases = [
        (good, BODY, 204),
        (signed(OTHER, SECRET, at_s=now), BODY, 204),
        (signed(OTHER, at_s=now), BODY, 400),
        (signed(SECRET, at_s=now - 400), BODY, 400),
        (signed(SECRET, at_s=now + 400), BODY, 400),
        (good, BODY + b" ", 400),
        ({**good, "webhook-id": "evt_2"}, BODY, 400),
        ({**good, "webhook-timestamp": "soon"}, BODY, 400),
        ({**good, "webhook-signature": ""}, BODY, 400),
        ({**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}, BODY, 400),
        ({}, BODY, 400),
    ]
    async with running(language, tmp_path) as url, httpx.AsyncClient(trust_env=False) as client:
        statuses = [(await client.post(url, headers=headers, content=body)).status_code for headers, body, _ in cases]
    assert statuses == [status for _, _, status in cases]
