"""What can be asked of the channel, as sequences: one answer or refusal per item, in their order."""

from services.channel.commands.aftereffect import bring_about
from services.channel.commands.dispute import (
    AdvanceDispute,
    OpenDispute,
    RespondToDispute,
    advance_disputes,
    decide_disputes,
    open_disputes,
    respond_to_disputes,
)
from services.channel.commands.late_outcome import DeclineRefunds, SetOutcome, decline_refunds, set_outcomes
from services.channel.commands.statement import close_statements
from services.channel.commands.transaction import (
    SetBehaviour,
    Submit,
    resolve_open,
    set_behaviours,
    submit_instructions,
)

__all__ = [
    "AdvanceDispute",
    "DeclineRefunds",
    "OpenDispute",
    "RespondToDispute",
    "SetBehaviour",
    "SetOutcome",
    "Submit",
    "advance_disputes",
    "bring_about",
    "close_statements",
    "decide_disputes",
    "decline_refunds",
    "open_disputes",
    "resolve_open",
    "respond_to_disputes",
    "set_behaviours",
    "set_outcomes",
    "submit_instructions",
]
