"""What settlement declares of its events."""

from pathlib import Path

from paykit.consume.application import Application
from paykit.consume.delivery import BATCH_RECORDS_MAX
from paykit.events.codec import Codec
from paykit.testing.fake_registry import FakeRegistry
from services.settlement.service import SERVICE


def test_more_transactions_than_merchants_are_taken_at_once(tmp_path: Path) -> None:
    codec = Codec(registry=FakeRegistry().client(), cache_dir=tmp_path, topic_prefix="t.")
    consuming = Application(service=SERVICE.name, subscriptions=SERVICE.subscriptions, codec=codec)
    assert (consuming.records_max("t.accounting.events"), consuming.records_max("t.merchant.events")) == (9_000, 2_500)
    assert BATCH_RECORDS_MAX == 2_500
