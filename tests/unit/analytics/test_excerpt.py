"""Excerpts of captures against whole events, for anything that their schema allows."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from paykit.events import classes as catalogue
from paykit.events import compiler
from paykit.events.partial_decoding import partial_decoder
from paystream.payment.v1.events import PaymentSuccess
from services.analytics.domain.counting import CountedEvent, PaymentOrigin, counted, is_capture
from services.analytics.domain.excerpt import CapturedExcerpt
from tests.unit.contracts.test_compiler import values

SCHEMA = catalogue.own_files()[PaymentSuccess.RECORD].schema
READ = partial_decoder(SCHEMA, CapturedExcerpt._fields)
ENCODE = compiler.encoder(SCHEMA)

ORIGINS = st.none() | st.builds(
    PaymentOrigin,
    payment_id=st.just("pay_1"),
    method=st.sampled_from(["CARD", "WALLET"]),
    create_time=st.datetimes(timezones=st.just(UTC), min_value=datetime(2026, 1, 1), max_value=datetime(2026, 12, 31)),  # noqa: DTZ001 - the strategy adds the zone
)


@settings(max_examples=200, deadline=None)
@given(record=values(SCHEMA, {}), origin=ORIGINS, first=st.booleans(), stripe=st.integers(0, 23))
def test_an_excerpt_counts_as_its_event_does(
    *,
    record: dict[str, Any],
    origin: PaymentOrigin | None,
    first: bool,
    stripe: int,
) -> None:
    event = PaymentSuccess.from_record(record)
    read, _ = READ(ENCODE(event, {}), 0)
    excerpt = CapturedExcerpt.of(read)
    assert (excerpt.event_id, excerpt.occurred_at, excerpt.recorded_at, excerpt.payment_id, excerpt.TOPIC) == (
        event.event_id,
        event.occurred_at,
        event.recorded_at,
        event.payment_id,
        event.TOPIC,
    )
    assert is_capture(event)
    assert is_capture(excerpt)
    whole, cut = (
        list(counted(CountedEvent(each, stripe, origin=origin, first_capture=first))) for each in (event, excerpt)
    )
    assert cut == whole
