"""A service's process imports what it runs on, and starts the sooner."""

import gc
import subprocess
import sys

import pytest

from paykit.base import importing
from paykit.process.catalogue import service_names

UNUSED = ("alembic", "mako", "sqlalchemy", "opentelemetry.sdk", "opentelemetry.exporter", "rich", "pygments")
"""What migrations, exports of spans and colours in a terminal need."""
START = """
import sys
from paykit.base import importing
from paytools.cli import main

main.application("serve")
with importing.quickly():
    from paykit.process.catalogue import load_service

    load_service(sys.argv[1])
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize("service", service_names())
def test_a_service_starts_without_what_it_does_not_run_on(service: str) -> None:
    argv = [sys.executable, "-c", START, service]
    imported = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()

    assert f"services.{service}.service" in imported
    assert [name for name in UNUSED if name in imported] == []


def test_what_was_withheld_can_be_imported_afterwards() -> None:
    program = "from paykit.base import importing\nwith importing.quickly('httpx'):\n    import rich.traceback"

    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("on", [True, False])
def test_garbage_is_looked_for_afterwards_as_before(*, on: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        with pytest.raises(ImportError):
            _fail_to_import()
        assert gc.isenabled() is on
    finally:
        (gc.enable if before else gc.disable)()


def _fail_to_import() -> None:
    with importing.quickly():
        assert not gc.isenabled()
        raise ImportError
