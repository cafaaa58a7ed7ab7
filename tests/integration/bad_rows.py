"""Plants a row that a job cannot do, and takes it back."""

from typing import Any

import pytest

from paykit.postgres.database import Tx
from paykit.process import isolation


def plant(patch: pytest.MonkeyPatch, key: str) -> None:
    """Have every transaction fail that tells of what has this key, as one whose state nobody thought of would."""
    emit = Tx.emit

    def emit_others(tx: Tx, event: Any, **how: Any) -> None:
        if getattr(event, event.KEY) == key:
            raise RuntimeError("crashed on purpose")
        emit(tx, event, **how)

    patch.setattr(Tx, "emit", emit_others)


def retry_at_once(patch: pytest.MonkeyPatch) -> None:
    """Have failing rows tried again with each look."""
    patch.setattr(isolation, "RETRY_PAUSE_FIRST_S", 0.0)
