"""What the channel is made of."""

from paykit.process.service import Job, Service
from paystream.channel.v1 import events
from services.channel import rpc
from services.channel.jobs import callbacks, statements
from services.channel.jobs import timers as jobs

SERVICE = Service(
    name="channel",
    records=(
        "attempt",
        "channel_transaction",
        "card_authorization",
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
        Job(name="bring_about_sequels", run=jobs.bring_about_sequels, every_s=0.25),
        Job(name="decide_disputes", run=jobs.decide_disputes, every_s=0.25),
        Job(name="deliver_callbacks", run=callbacks.deliver, every_s=0.25),
        Job(name="close_statements", run=statements.close, every_s=60.0),
    ),
)
