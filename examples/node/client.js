// Creates a payment: MERCHANT_ID REFERENCE AMOUNT_MINOR CURRENCY REQUEST_ID; PAYMENT_ADDRESS names the service.
//
// Prints the payment's id; of a refusal the status and the reason, by which a program decides, and ends with 1.
import { setTimeout as sleep } from "node:timers/promises";

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";

import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { PaymentMethodType, PaymentService } from "./gen/paystream/payment/v1/payment_pb.js";

const DEADLINE_MS = 10_000;
const TRIES_MAX = 5;
const RETRY_DELAY_MS = 100;
const RETRY_DELAY_MS_MAX = 2_000;

/** Tries again what is UNAVAILABLE: safe, for a request id creates one payment however often it is sent. */
const retryUnavailable = (next) => async (request) => {
  for (let tried = 1; ; tried++) {
    try {
      return await next(request);
    } catch (error) {
      if (ConnectError.from(error).code !== Code.Unavailable || tried === TRIES_MAX) throw error;
    }
    await sleep(Math.min(RETRY_DELAY_MS * 2 ** (tried - 1), RETRY_DELAY_MS_MAX) * Math.random(), undefined, {
      signal: request.signal,
    });
  }
};

const transport = createGrpcTransport({
  baseUrl: `http://${process.env.PAYMENT_ADDRESS}`,
  interceptors: [retryUnavailable],
});

const [merchantId, merchantReference, amountMinor, currencyCode, requestId] = process.argv.slice(2);
try {
  const { payment } = await createClient(PaymentService, transport).createPayment(
    {
      merchantId,
      merchantReference,
      amount: { amountMinor: BigInt(amountMinor), currencyCode },
      paymentMethod: { type: PaymentMethodType.CARD, token: "tok_1" },
      requestId,
    },
    { timeoutMs: DEADLINE_MS },
  );
  console.log(payment.paymentId);
  process.exit(0);
} catch (error) {
  const refusal = ConnectError.from(error);
  // Every refusal of paystream has one ErrorInfo; one of a proxy between may have none.
  const [info] = refusal.findDetails(ErrorInfoSchema);
  console.error(Code[refusal.code], info?.reason ?? "");
  process.exit(1);
}
