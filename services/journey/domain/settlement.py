"""What a settlement tells."""

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from paystream.accounting.v1 import accounting_pb2
from paystream.common.v1.money_pb2 import SignedMoney
from paystream.journey.v1 import journey_pb2 as pb
from paystream.settlement.v1 import settlement_pb2
from services.journey.domain.step import earliest, enum_name, lifecycle, moment, step

_SETTLEMENT_BOOKED = "SettlementCreated"
"""The type of the transaction that completes a settlement."""


def settlement_steps(
    settlement: settlement_pb2.Settlement,
    transactions: Sequence[accounting_pb2.Transaction] = (),
    *,
    joined_time: Timestamp | None = None,
) -> list[pb.Step]:
    """The steps of a settlement, which one of the transactions booked for it completes.

    While it collects, its step stands where the journey's first item joined it.
    """
    state = enum_name(settlement_pb2.SettlementState, settlement.state, "SETTLEMENT_STATE_")
    amount = SignedMoney(amount_minor=int(settlement.sums.total_minor or 0), currency_code=settlement.currency_code)
    if not settlement.HasField("close_time"):
        begin = joined_time if state == "PENDING" and joined_time is not None else settlement.create_time
        detail = f"carried into {settlement.carried_into}" if settlement.carried_into else "collecting"
        return [
            step(pb.STEP_KIND_SETTLEMENT, settlement.settlement_id, state, time=begin, amount=amount, detail=detail)
        ]
    steps = lifecycle(
        pb.STEP_KIND_SETTLEMENT,
        settlement.settlement_id,
        state=state,
        begin=settlement.close_time,
        end=_end(settlement, transactions),
        amount=amount,
        detail=enum_name(settlement_pb2.SettlementTrigger, settlement.trigger, "SETTLEMENT_TRIGGER_"),
        outcome=settlement.failure_reason,
    )
    return steps + [_reserve_release(settlement, time) for time in _released_times(settlement)]


def _end(settlement: settlement_pb2.Settlement, transactions: Sequence[accounting_pb2.Transaction]) -> Timestamp:
    booked_times = [booked.create_time for booked in transactions if booked.transaction_type == _SETTLEMENT_BOOKED]
    # Its update_time moves on when its reserve is released.
    return earliest(booked_times) or min([settlement.update_time, *_released_times(settlement)], key=moment)


def _released_times(settlement: settlement_pb2.Settlement) -> list[Timestamp]:
    return [settlement.reserve_released_time] if settlement.HasField("reserve_released_time") else []


def _reserve_release(settlement: settlement_pb2.Settlement, time: Timestamp) -> pb.Step:
    reserve = SignedMoney(amount_minor=settlement.reserve_held_minor, currency_code=settlement.currency_code)
    return step(pb.STEP_KIND_SETTLEMENT, settlement.settlement_id, "RESERVE_RELEASED", time=time, amount=reserve)
