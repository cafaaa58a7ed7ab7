"""Create a payment: MERCHANT_ID REFERENCE AMOUNT_MINOR CURRENCY REQUEST_ID; PAYMENT_ADDRESS names the service.

Prints the payment's id; of a refusal the status and the reason, by which a program decides, and ends with 1.
"""

import os
import sys
from collections.abc import Sequence

import paystream_client
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2
from paystream.payment.v1.payment_pb2_grpc import PaymentServiceStub


def create(address: str, arguments: Sequence[str]) -> payment_pb2.Payment:
    """Create it; what is unavailable is tried again by the channel, with the same request id."""
    merchant_id, reference, amount_minor, currency_code, request_id = arguments
    request = payment_pb2.CreatePaymentRequest(
        request_id=request_id,
        merchant_id=merchant_id,
        merchant_reference=reference,
        amount=Money(amount_minor=int(amount_minor), currency_code=currency_code),
        payment_method=payment_pb2.PaymentMethod(type=payment_pb2.PAYMENT_METHOD_TYPE_CARD, token="tok_1"),  # noqa: S106
    )
    with paystream_client.connect(address) as channel:
        return PaymentServiceStub(channel).CreatePayment(request).payment


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{create(os.environ['PAYMENT_ADDRESS'], sys.argv[1:]).payment_id}\n")
    except paystream_client.CallError as refusal:
        sys.exit(f"{refusal.code().name} {refusal.reason}")
