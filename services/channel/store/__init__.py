"""Every SQL statement of the channel. Payments come in batches, so all of it is set-based and most of it is COPY."""

from services.channel.store.aftereffect import insert_aftereffects, take_aftereffects
from services.channel.store.behaviour import all_behaviours, behaviours_of, set_behaviour
from services.channel.store.callback import (
    Callback,
    CallbackReport,
    DueCallback,
    delete_callbacks,
    insert_callbacks,
    lease_callbacks,
    postpone_callbacks,
)
from services.channel.store.dispute import disputes
from services.channel.store.statement import bank_balances, insert_statements, sum_open_days
from services.channel.store.transaction import (
    authorizations,
    claim_attempts,
    later_lines,
    release_attempts,
    transactions,
)

__all__ = [
    "Callback",
    "CallbackReport",
    "DueCallback",
    "all_behaviours",
    "authorizations",
    "bank_balances",
    "behaviours_of",
    "claim_attempts",
    "delete_callbacks",
    "disputes",
    "insert_aftereffects",
    "insert_callbacks",
    "insert_statements",
    "later_lines",
    "lease_callbacks",
    "postpone_callbacks",
    "release_attempts",
    "set_behaviour",
    "sum_open_days",
    "take_aftereffects",
    "transactions",
]
