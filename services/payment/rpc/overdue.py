"""The method of PaymentService that is about attempts without an outcome."""

from typing import Any

from paykit.channels.attempts import OUTCOME_WITHIN_S
from paykit.process.runtime import Runtime
from paykit.serve.listing import newest_page
from paystream.common.v1 import money_pb2
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.messages import payments as messages
from services.payment.store import overdue as overdue_store
from services.payment.store.overdue import Overdue


class OverdueMethods:
    """A part of the servicer; the contract stands in the proto."""

    _runtime: Runtime

    async def ListOverdueAttempts(
        self, request: pb.ListOverdueAttemptsRequest, _context: Any
    ) -> pb.ListOverdueAttemptsResponse:
        """Read a page of attempts whose outcome is overdue."""
        page, token = await newest_page(
            self._runtime,
            request,
            overdue_store.list_overdue,
            wanted=OUTCOME_WITHIN_S,
            key=lambda overdue: (overdue.start_time, overdue.attempt.attempt_id),
        )
        return pb.ListOverdueAttemptsResponse(attempts=map(_to_overdue, page), next_page_token=token)


def _to_overdue(overdue: Overdue) -> pb.OverdueAttempt:
    attempt = overdue.attempt
    return pb.OverdueAttempt(
        attempt=messages.to_attempt(attempt),
        merchant_id=overdue.merchant_id,
        channel=attempt.channel,
        amount=money_pb2.Money(amount_minor=attempt.amount_minor, currency_code=attempt.currency_code),
        unanswered_seconds=int(attempt.age_s),
    )
