"""What a change does to an aggregate's revision, and what its event begins with."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from paykit.aggregate import aggregate_facts, etag_of, next_revision, require_etag
from paykit.errors import EtagMismatch
from paykit.serve.validation import card_numbers

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Parcel:
    merchant_id: str = "mer_1"
    correlation_id: str = "cor_1"
    update_time: datetime = NOON
    aggregate_version: int = 3


def test_a_change_is_the_next_version_at_its_time() -> None:
    later = NOON + timedelta(seconds=1)
    assert next_revision(Parcel(), later) == {"update_time": later, "aggregate_version": 4}


def test_a_change_is_dated_no_earlier_than_the_one_before() -> None:
    assert next_revision(Parcel(), NOON - timedelta(seconds=1)) == {"update_time": NOON, "aggregate_version": 4}


def test_an_event_is_dated_and_numbered_as_the_change_that_it_tells_of() -> None:
    changed = replace(Parcel(), **next_revision(Parcel(), NOON + timedelta(seconds=1)))
    assert aggregate_facts(changed) == {
        "occurred_at": NOON + timedelta(seconds=1),
        "merchant_id": "mer_1",
        "correlation_id": "cor_1",
        "aggregate_version": 4,
    }


def test_an_etag_is_never_taken_for_a_card_number() -> None:
    # 4111 1111 1111 1111 is the best known of all test cards.
    assert card_numbers.holds_card_number("4-111-1111-11111111")
    assert etag_of(4, 111, 1111, 11_111_111) == "e-bbb-bbbb-bbbbbbbb"


def test_what_changed_since_it_was_read_is_refused_and_an_empty_etag_asks_for_nothing() -> None:
    require_etag("", "v2")
    require_etag("v2", "v2")
    with pytest.raises(EtagMismatch) as refused:
        require_etag("v1", "v2", parcel_id="par_1")
    assert (refused.value.field, refused.value.metadata) == ("etag", {"parcel_id": "par_1"})
