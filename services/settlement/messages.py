"""Settlements on the wire: between messages and domain values."""

from datetime import UTC

from paykit.cause import Cause
from paykit.serve import listing
from paykit.serve.timestamps import from_optional, to_timestamp
from paystream.settlement.v1 import settlement_pb2 as pb
from services.settlement.commands.closing import CreateSettlement
from services.settlement.commands.transferring import ExtendReserve
from services.settlement.domain.lifecycle import SettlementState
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.sums import Sums
from services.settlement.store import NegativeBalance, PendingBalance, PlacedItem, SettlementFilter

_STATE_PREFIX = "SETTLEMENT_STATE_"


def to_settlement(settlement: Settlement) -> pb.Settlement:
    """Make the resource."""
    message = pb.Settlement(
        settlement_id=settlement.settlement_id,
        merchant_id=settlement.merchant_id,
        currency_code=settlement.currency_code,
        state=pb.SettlementState.Value(_STATE_PREFIX + settlement.state),
        trigger=pb.SettlementTrigger.Value(f"SETTLEMENT_TRIGGER_{settlement.trigger or 'UNSPECIFIED'}"),
        sums=_to_sums(settlement.sums),
        reserve_held_minor=settlement.reserve_held_minor,
        net_minor=settlement.net_minor,
        reserve_refusal=settlement.reserve_refusal or "",
        reserve_released_minor=settlement.released_minor,
        reserve_consumed_minor=settlement.consumed_minor,
        carried_into="" if settlement.holder_id == settlement.settlement_id else settlement.holder_id,
        failure_reason=settlement.failure_reason or "",
        transaction_id=settlement.transaction_id or "",
        override_reason=settlement.override_reason or "",
        correlation_id=settlement.correlation_id or "",
        create_time=to_timestamp(settlement.create_time),
        update_time=to_timestamp(settlement.update_time),
    )
    for field, moment in (
        ("cut_off_time", settlement.cut_off_at),
        ("due_time", settlement.due_at),
        ("reserve_release_time", settlement.reserve_release_at),
        ("reserve_released_time", settlement.reserve_released_at),
        ("close_time", settlement.close_time),
    ):
        if moment is not None:
            getattr(message, field).CopyFrom(to_timestamp(moment))
    return message


def to_item(placed: PlacedItem) -> pb.SettlementItem:
    """Make the resource."""
    item = placed.item
    return pb.SettlementItem(
        transaction_id=item.transaction_id,
        settlement_id=placed.settlement_id,
        merchant_id=item.merchant_id,
        kind=pb.ItemKind.Value(f"ITEM_KIND_{item.kind}"),
        transaction_type=item.transaction_type,
        related_no=item.related_no,
        root_reference=item.root_reference,
        effective_time=to_timestamp(item.effective_at),
        amount_minor=item.amount_minor,
        fee_minor=item.fee_minor,
        currency_code=item.currency_code,
    )


def to_pending(pending: PendingBalance) -> pb.PendingBalance:
    """Make the balance of one currency."""
    return pb.PendingBalance(
        currency_code=pending.currency_code,
        pending=_to_sums(pending.sums),
        settling_minor=str(pending.settling_minor),
        balance_minor=str(pending.sums.total_minor + pending.settling_minor),
        next_due_time=to_timestamp(pending.next_due_at) if pending.next_due_at else None,
        hold_reason=pending.hold_reason or "",
    )


def to_negative(balance: NegativeBalance) -> pb.NegativeBalance:
    """Make the negative balance."""
    position, since = balance.position, balance.negative_since
    return pb.NegativeBalance(
        merchant_id=position.merchant_id,
        currency_code=position.currency_code,
        total_minor=str(position.total_minor),
        settlement_minor=str(position.settlement_minor),
        available_minor=str(position.available_minor),
        reserve_minor=str(position.reserve_minor),
        receivable_minor=str(position.receivable_minor),
        negative_since_time=to_timestamp(since) if since else None,
    )


def from_extend(request: pb.ExtendReserveRequest, cause: Cause) -> ExtendReserve:
    """Read the reserve that is to be held longer."""
    return ExtendReserve(
        settlement_id=request.settlement_id,
        release_at=request.reserve_release_time.ToDatetime(UTC),
        reason=request.reason,
        cause=cause,
    )


def from_create(request: pb.CreateSettlementRequest, cause: Cause) -> CreateSettlement:
    """Read the settlement that is asked for."""
    return CreateSettlement(
        merchant_id=request.merchant_id,
        currency_code=request.currency_code,
        override_reason=request.override_reason.strip() or None,
        cause=cause,
    )


def from_list(request: pb.ListSettlementsRequest | pb.ListSettlementsByStateRequest) -> SettlementFilter:
    """Read what ListSettlements or ListSettlementsByState selects."""
    name = pb.SettlementState.Name(request.state).removeprefix(_STATE_PREFIX)
    return SettlementFilter(
        merchant_id=request.merchant_id or None,
        currency_code=request.currency_code or None,
        state=SettlementState(name) if request.state else None,
        create_time_min=from_optional(request, "create_time_min"),
        create_time_before=from_optional(request, "create_time_before"),
        update_time_min=from_optional(request, "update_time_min"),
        update_time_before=from_optional(request, "update_time_before"),
        oldest_first=listing.oldest_first(request),
    )


def _to_sums(sums: Sums) -> pb.Sums:
    return pb.Sums(
        item_count=sums.item_count,
        payments_minor=str(sums.payments_minor),
        refunds_minor=str(sums.refunds_minor),
        fees_minor=str(sums.fees_minor),
        disputes_minor=str(sums.disputes_minor),
        reserve_released_minor=str(sums.reserve_released_minor),
        adjustments_minor=str(sums.adjustments_minor),
        total_minor=str(sums.total_minor),
    )
