from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from paykit.serve import timestamps


def test_a_moment_keeps_its_microseconds() -> None:
    moment = datetime(2026, 11, 22, 16, 30, 1, 234567, tzinfo=UTC)
    assert timestamps.to_timestamp(moment) == Timestamp(seconds=1795365001, nanos=234567000)
    assert timestamps.from_timestamp(timestamps.to_timestamp(moment)) == moment


def test_a_moment_before_1970_has_positive_nanos() -> None:
    moment = datetime(1969, 12, 31, 23, 59, 59, 250000, tzinfo=UTC)
    assert timestamps.to_timestamp(moment) == Timestamp(seconds=-1, nanos=250000000)
    assert timestamps.from_timestamp(Timestamp(seconds=-1, nanos=250000000)) == moment


def test_another_zone_names_the_same_instant() -> None:
    tokyo = datetime(1970, 1, 1, 9, 0, 1, tzinfo=timezone(timedelta(hours=9)))
    assert timestamps.to_timestamp(tokyo) == Timestamp(seconds=1)


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        timestamps.to_timestamp(datetime(2026, 1, 1))  # noqa: DTZ001  That is the case under test.
