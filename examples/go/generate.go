// Package shop is a consumer of events and a client of calls, built from the contracts alone: unpacked as contracts/ beside this file.
package shop

//go:generate buf generate
//go:generate mkdir -p events
//go:generate go tool avrogen -pkg events -o events/events.go -encoders -fullschema contracts/schemas/payment.events/PaymentSuccess.avsc contracts/schemas/payment.events/PaymentFailed.avsc contracts/schemas/accounting.events/TransactionCreated.avsc
