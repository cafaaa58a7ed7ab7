"""What the channel is made of."""

from paykit.process.service import Job, Service
from paystream.channel.v1 import events
from services.channel import jobs, rpc

SERVICE = Service(
    name="channel",
    locks=("sequel", "dispute", "channel_transaction", "card_authorization", "attempt", "callback"),
    records=(
        "attempt",
        "channel_transaction",
        "card_authorization",
        "later_line",
        "dispute",
        "sequel",
        "behaviour",
        "callback",
        "statement",
    ),
    servicers=rpc.servicers,
    emits=(events.ChannelTransactionReported, events.ChannelStatementClosed),
    jobs=(
        Job(name="resolve_open", run=jobs.resolve_open, every_s=0.25),
        Job(name="bring_about_aftereffects", run=jobs.bring_about_aftereffects, every_s=0.25),
        Job(name="decide_disputes", run=jobs.decide_disputes, every_s=0.25),
        Job(name="deliver_callbacks", run=jobs.deliver_callbacks, every_s=0.25),
        Job(name="close_statements", run=jobs.close_statements, every_s=60.0),
    ),
)
