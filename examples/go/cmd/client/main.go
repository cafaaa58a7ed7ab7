// Client creates a payment: MERCHANT_ID REFERENCE AMOUNT_MINOR CURRENCY REQUEST_ID; PAYMENT_ADDRESS names the service.
//
// It prints the payment's id; of a refusal the status and the reason, by which a program decides, and ends with 1.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	commonv1 "github.com/paystream/paystream/gen/go/paystream/common/v1"
	paymentv1 "github.com/paystream/paystream/gen/go/paystream/payment/v1"
)

const deadline = 10 * time.Second

// Safe, for a request id creates one payment however often it is sent.
const retryUnavailable = `{"methodConfig": [{
	"name": [{"service": "paystream.payment.v1.PaymentService"}],
	"retryPolicy": {
		"maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "2s", "backoffMultiplier": 2,
		"retryableStatusCodes": ["UNAVAILABLE"]
	}
}]}`

func main() {
	payment, err := create(os.Args[1:])
	if err != nil {
		refusal := status.Convert(err)
		fmt.Fprintln(os.Stderr, refusal.Code(), reason(refusal))
		os.Exit(1)
	}
	fmt.Println(payment.GetPaymentId())
}

func create(arguments []string) (*paymentv1.Payment, error) {
	amount, err := strconv.ParseInt(arguments[2], 10, 64)
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(
		os.Getenv("PAYMENT_ADDRESS"),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(retryUnavailable),
	)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	reply, err := paymentv1.NewPaymentServiceClient(connection).CreatePayment(ctx, &paymentv1.CreatePaymentRequest{
		MerchantId:        arguments[0],
		MerchantReference: arguments[1],
		Amount:            &commonv1.Money{AmountMinor: amount, CurrencyCode: arguments[3]},
		PaymentMethod: &paymentv1.PaymentMethod{
			Type:  paymentv1.PaymentMethodType_PAYMENT_METHOD_TYPE_CARD,
			Token: "tok_1",
		},
		RequestId: arguments[4],
	})
	return reply.GetPayment(), err
}

// reason is that of the ErrorInfo, of which every refusal of paystream has one; one of a proxy between may have none.
func reason(refusal *status.Status) string {
	for _, detail := range refusal.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}
