package com.example.shop;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.paystream.common.v1.Money;
import com.paystream.payment.v1.CreatePaymentRequest;
import com.paystream.payment.v1.Payment;
import com.paystream.payment.v1.PaymentMethod;
import com.paystream.payment.v1.PaymentMethodType;
import com.paystream.payment.v1.PaymentServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Creates a payment: MERCHANT_ID REFERENCE AMOUNT_MINOR CURRENCY REQUEST_ID; PAYMENT_ADDRESS names the service.
 *
 * <p>Prints the payment's id; of a refusal the status and the reason, by which a program decides, and ends with 1.
 */
public final class PaymentClient {
    private static final long DEADLINE_S = 10;

    /** Safe, for a request id creates one payment however often it is sent. */
    private static final Map<String, ?> RETRY_UNAVAILABLE = Map.of(
            "methodConfig",
            List.of(Map.of(
                    "name", List.of(Map.of("service", PaymentServiceGrpc.SERVICE_NAME)),
                    "retryPolicy", Map.of(
                            "maxAttempts", 5.0,
                            "initialBackoff", "0.1s",
                            "maxBackoff", "2s",
                            "backoffMultiplier", 2.0,
                            "retryableStatusCodes", List.of("UNAVAILABLE")))));

    private PaymentClient() {}

    public static void main(String[] arguments) throws Exception {
        ManagedChannel channel = NettyChannelBuilder.forTarget(System.getenv("PAYMENT_ADDRESS"))
                .usePlaintext()
                .defaultServiceConfig(RETRY_UNAVAILABLE)
                .enableRetry()
                .build();
        try {
            System.out.println(create(channel, arguments).getPaymentId());
        } catch (StatusRuntimeException refusal) {
            String reason = errorInfo(refusal).map(ErrorInfo::getReason).orElse("");
            System.err.println(refusal.getStatus().getCode() + " " + reason);
            System.exit(1);
        } finally {
            channel.shutdownNow();
        }
    }

    private static Payment create(ManagedChannel channel, String[] arguments) {
        CreatePaymentRequest request = CreatePaymentRequest.newBuilder()
                .setMerchantId(arguments[0])
                .setMerchantReference(arguments[1])
                .setAmount(Money.newBuilder().setAmountMinor(Long.parseLong(arguments[2])).setCurrencyCode(arguments[3]))
                .setPaymentMethod(PaymentMethod.newBuilder()
                        .setType(PaymentMethodType.PAYMENT_METHOD_TYPE_CARD)
                        .setToken("tok_1"))
                .setRequestId(arguments[4])
                .build();
        return PaymentServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(DEADLINE_S, TimeUnit.SECONDS)
                .createPayment(request)
                .getPayment();
    }

    /** Every refusal of paystream has one ErrorInfo; one of a proxy between may have none. */
    private static Optional<ErrorInfo> errorInfo(StatusRuntimeException refusal) throws InvalidProtocolBufferException {
        for (Any detail : StatusProto.fromThrowable(refusal).getDetailsList()) {
            if (detail.is(ErrorInfo.class)) {
                return Optional.of(detail.unpack(ErrorInfo.class));
            }
        }
        return Optional.empty();
    }
}
