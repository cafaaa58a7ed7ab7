"""The PaymentOperationsService: lists across merchants, and its parts."""

from typing import Any

from paykit.process.runtime import Runtime
from paykit.serve.listing import newest_page, page_by_key
from paystream.payment.v1 import payment_pb2 as pb
from paystream.payment.v1 import payment_pb2_grpc
from services.payment import messages, store
from services.payment.rpc.attempt import AttemptMethods
from services.payment.rpc.contradiction import PaymentContradictionMethods
from services.payment.store import ChannelReference


class PaymentOperationsServicer(
    AttemptMethods, PaymentContradictionMethods, payment_pb2_grpc.PaymentOperationsServiceServicer
):
    """Serves paystream.payment.v1.PaymentOperationsService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ListDisputesToAnswer(
        self, request: pb.ListDisputesToAnswerRequest, _context: Any
    ) -> pb.ListDisputesToAnswerResponse:
        """Read a page of disputes that are to be answered."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.disputes.list_to_answer,
            wanted=messages.dispute.from_list_to_answer(request),
            key=lambda dispute: (dispute.respond_by or dispute.create_time, dispute.dispute_id),
            show=messages.dispute.to_dispute,
        )
        return pb.ListDisputesToAnswerResponse(disputes=page, next_page_token=token)

    async def ListPaymentsByChannelReference(
        self, request: pb.ListPaymentsByChannelReferenceRequest, _context: Any
    ) -> pb.ListPaymentsByChannelReferenceResponse:
        """Read a page of the payments that a channel means."""
        page, token = await page_by_key(
            self._runtime,
            request,
            store.payments.by_channel_reference,
            wanted=ChannelReference(request.channel_reference, request.channel or None),
            key=lambda payment: payment.payment_id,
            kind=str,
            show=messages.payment.to_payment,
        )
        return pb.ListPaymentsByChannelReferenceResponse(payments=page, next_page_token=token)
