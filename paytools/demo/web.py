"""The demo's look at one payment as JSON over HTTP, through the gateway."""

import httpx
from rich.console import Console

from paystream.payment.v1 import payment_pb2
from paytools.demo.clients import DemoFailedError

ANSWER_S_MAX = 30.0


def show(console: Console, gateway: str, payment: payment_pb2.Payment) -> None:
    """Ask for a payment over HTTP, and show how; where the stack has no gateway, how it gets one.

    Args:
        console: Where it is shown.
        gateway: Its address, as in `http://127.0.0.1:8080`; empty for none.
        payment: As gRPC has it, with its outcome.

    Raises:
        DemoFailedError: The gateway does not answer, or with something else.
    """
    console.print("\nThe same over HTTP", style="bold")
    if not gateway:
        console.print("  the gateway is switched off: PAYSTREAM_STACK_GATEWAY=true starts it (docs/http.md)")
        return
    url = f"{gateway}/v1/payments/{payment.payment_id}"
    try:
        found = httpx.get(url, timeout=ANSWER_S_MAX).raise_for_status().json()["payment"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise DemoFailedError(f"{url} was not answered as it should be: {error}") from error
    wanted = {
        "paymentId": payment.payment_id,
        "state": payment_pb2.PaymentState.Name(payment.state),
        "amount": {"amountMinor": str(payment.amount.amount_minor), "currencyCode": payment.amount.currency_code},
    }
    shown = {name: found.get(name) for name in wanted}
    if shown != wanted:
        raise DemoFailedError(f"{url} is answered with {shown}, and gRPC with {wanted}")
    console.print(f"  the gateway is at {gateway} (docs/http.md); every call has a path")
    console.print(f"  curl {url}", soft_wrap=True, highlight=False)
    amount = f"{shown['amount']['amountMinor']} {shown['amount']['currencyCode']}"
    console.print(f"  {shown['state']}, {amount} in minor units: as gRPC says", highlight=False)
