"""What payment asks of its channels."""

from paykit.channels import registry
from paykit.channels.requests import (
    AuthorizationRequest,
    CaptureRequest,
    ChannelOperation,
    ChannelRequest,
    RefundRequest,
    VoidRequest,
    request_facts,
)
from paykit.process.runtime import Runtime
from services.payment.domain.attempt import AttemptAction
from services.payment.store import ClaimedPaymentAttempt

OPERATIONS = frozenset(ChannelOperation) - {ChannelOperation.PAY_OUT, ChannelOperation.ANSWER_DISPUTE}
"""What every channel of payments can do; one that knows no disputes is never told an answer."""


async def require_channels(runtime: Runtime) -> None:
    """Check at start that each route leads to an adapter that does what payments need.

    Raises:
        ConfigurationError: One does not.
    """
    for route in runtime.settings.payment_channels:
        registry.require(route.name, route, OPERATIONS)


def to_request(claimed: ClaimedPaymentAttempt, *, callback_address: str) -> ChannelRequest:
    """Make what a channel is asked of an attempt."""
    attempt = claimed.attempt
    facts = request_facts(claimed, related_no=attempt.related_no, callback_address=callback_address)
    original_reference = attempt.original_reference or ""
    match attempt.action:
        case AttemptAction.CHARGE | AttemptAction.AUTHORIZE:
            charged = attempt.action is AttemptAction.CHARGE
            return AuthorizationRequest(
                **facts,
                method_token=claimed.method_token,
                capture=charged,
                return_url=claimed.return_url or "",
            )
        case AttemptAction.CAPTURE:
            return CaptureRequest(**facts, original_reference=original_reference)
        case AttemptAction.CANCEL:
            return VoidRequest(**facts, original_reference=original_reference)
        case AttemptAction.REFUND:
            return RefundRequest(**facts, original_reference=original_reference)
