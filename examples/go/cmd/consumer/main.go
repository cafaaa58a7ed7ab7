// Consumer reads payment.events and accounting.events, and prints a line for each event that it knows.
//
// Settings: KAFKA_BOOTSTRAP, REGISTRY_URL, GROUP, and where a platform has one TOPIC_PREFIX. With COUNT it ends after as many lines.
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"example.com/shop/events"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	left, err := count()
	if err != nil {
		return err
	}
	prefix := os.Getenv("TOPIC_PREFIX")
	client, err := kgo.NewClient(
		kgo.SeedBrokers(os.Getenv("KAFKA_BOOTSTRAP")),
		kgo.ConsumerGroup(os.Getenv("GROUP")),
		kgo.ConsumeTopics(prefix+"payment.events", prefix+"accounting.events"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	decoder, err := newDecoder(os.Getenv("REGISTRY_URL"))
	if err != nil {
		return err
	}
	// Of this process alone: keep ids beside the effects, in the same transaction, to be exact across restarts.
	seen := map[string]bool{}
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, record := range fetches.Records() {
			event, err := decoder.decode(ctx, record.Value)
			if err != nil {
				return fmt.Errorf("%s/%d@%d: %w", record.Topic, record.Partition, record.Offset, err)
			}
			if event == nil || seen[eventID(event)] || left == 0 {
				continue
			}
			seen[eventID(event)] = true
			left--
			fmt.Println(line(event))
		}
		// After the effects: what is not committed when the process dies comes once more.
		if err := client.CommitUncommittedOffsets(ctx); err != nil {
			return err
		}
	}
	return nil
}

func count() (int64, error) {
	if text := os.Getenv("COUNT"); text != "" {
		return strconv.ParseInt(text, 10, 64)
	}
	return math.MaxInt64, nil
}

func eventID(event any) string {
	switch event := event.(type) {
	case *events.PaymentSuccess:
		return event.EventID
	case *events.PaymentFailed:
		return event.EventID
	case *events.TransactionCreated:
		return event.EventID
	}
	return ""
}

func line(event any) string {
	switch event := event.(type) {
	case *events.PaymentSuccess:
		return fmt.Sprintf("PaymentSuccess %s %d %s %s", event.PaymentID, event.AmountMinor, event.CurrencyCode, event.Method)
	case *events.PaymentFailed:
		return fmt.Sprintf("PaymentFailed %s %s", event.PaymentID, event.Reason)
	case *events.TransactionCreated:
		return fmt.Sprintf("TransactionCreated %s %s", event.RelatedNo, effects(event))
	}
	return ""
}

// effects sums what a transaction does to the balances of each kind of account: never debits and credits, which depend on the chart.
func effects(booked *events.TransactionCreated) string {
	sums := map[string]int64{}
	for _, entry := range booked.Entries {
		sums[entry.AccountKind] += entry.Effect * entry.AmountMinor
	}
	var parts []string
	for kind, sum := range sums {
		parts = append(parts, fmt.Sprintf("%s=%d", kind, sum))
	}
	sort.Strings(parts)
	return strings.Join(parts, " ")
}
