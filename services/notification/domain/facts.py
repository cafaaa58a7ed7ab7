"""What a mail can tell of what happened, as its notification keeps it."""

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

_TIMES = frozenset({"occurred_at", "respond_by"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What happened; None where it has no such fact. Amounts are in minor units.

    Attributes:
        resource_id: What it is about.
        occurred_at: Effective time.
        merchant_name: As the merchant's own events say it; looked up where they do not.
        reference: The merchant's own.
        contact_ids: Payment and order, in this order, whose receipt contact is the payer's.
        fee_minor: What paystream keeps of the amount.
        total_minor: Before what is held back, of a settlement.
        reserve_minor: What is held back, of a settlement.
        reason: Why, UPPER_SNAKE.
        code: Why, in the words of the channel or bank.
        respond_by: Until when the merchant can answer.
        last_four: Of the bank account's number.
        change: What became of a bank account, UPPER_SNAKE.
        difference_count: Of a statement's lines and transactions.
        reported_minor: What the channel says, in reported_currency_code.
        value_date: YYYY-MM-DD.
    """

    resource_id: str
    occurred_at: datetime
    merchant_name: str | None = None
    reference: str | None = None
    contact_ids: tuple[str, ...] = ()
    amount_minor: int | None = None
    currency_code: str | None = None
    fee_minor: int | None = None
    total_minor: int | None = None
    reserve_minor: int | None = None
    reason: str | None = None
    code: str | None = None
    respond_by: datetime | None = None
    last_four: str | None = None
    change: str | None = None
    channel: str | None = None
    line_count: int | None = None
    difference_count: int | None = None
    reported_minor: int | None = None
    reported_currency_code: str | None = None
    value_date: str | None = None

    def to_json(self) -> str:
        """Return the facts that there are, as JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return json.dumps({name: _plain(value) for name, value in values.items() if value not in (None, ())})

    @classmethod
    def from_json(cls, text: str) -> "Facts":
        """Read what `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        read = {name: datetime.fromisoformat(value) if name in _TIMES else value for name, value in values.items()}
        return cls(**read | {"contact_ids": tuple(values.get("contact_ids", ()))})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
