"""Plants a row that a job cannot do, and takes it back."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from paykit.postgres.database import Tx
from paykit.process import isolation


def plant(patch: pytest.MonkeyPatch, key: str) -> None:
    """Have every transaction fail that tells of what has this key, as one whose state nobody thought of would."""
    plant_where(patch, lambda event: getattr(event, event.KEY) == key)


def plant_where(patch: pytest.MonkeyPatch, is_bad: Callable[[Any], bool]) -> None:
    """Have every transaction fail that tells such an event."""
    break_when(patch, Tx, "emit", lambda _tx, event, **_how: is_bad(event))


def break_when(patch: pytest.MonkeyPatch, owner: Any, name: str, is_bad: Callable[..., bool]) -> None:
    """Have a function crash for such arguments, as one does that meets what nobody thought of."""
    do = getattr(owner, name)

    @functools.wraps(do)
    def crash(*args: Any, **kwargs: Any) -> Any:
        if is_bad(*args, **kwargs):
            raise RuntimeError("crashed on purpose")
        return do(*args, **kwargs)

    patch.setattr(owner, name, crash)


def failing(service: str, job: str) -> float | None:
    """Return how many rows the gauge says that a job passes by."""
    return REGISTRY.get_sample_value("paystream_job_rows_failing", {"service": service, "job_name": job})


def retry_at_once(patch: pytest.MonkeyPatch) -> None:
    """Have failing rows tried again with each look."""
    patch.setattr(isolation, "RETRY_PAUSE_FIRST_S", 0.0)
