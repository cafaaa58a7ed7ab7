package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hamba/avro/v2"
	"github.com/hamba/avro/v2/registry"

	"example.com/shop/events"
)

const prefixBytes = 5

// decoder makes events of messages in Confluent's wire format: a zero byte, the id of the writer's schema in four bytes, the Avro body.
type decoder struct {
	registry *registry.Client
	// Writer's and own schema joined, by the writer's id; nil for a type that this program does not know.
	schemas map[uint32]avro.Schema
}

// types are the events that this program knows, by the names of their records.
var types = map[string]func() record{
	"paystream.payment.v1.PaymentSuccess":        func() record { return &events.PaymentSuccess{} },
	"paystream.payment.v1.PaymentFailed":         func() record { return &events.PaymentFailed{} },
	"paystream.accounting.v1.TransactionCreated": func() record { return &events.TransactionCreated{} },
}

// record is what avrogen gives every type, with -encoders. Schema is the whole schema only with -fullschema: without it the defaults of
// enums are left out, and resolving a symbol that is newer than this program fails.
type record interface {
	Schema() avro.Schema
}

func newDecoder(url string) (*decoder, error) {
	client, err := registry.NewClient(url)
	return &decoder{registry: client, schemas: map[uint32]avro.Schema{}}, err
}

// decode returns the event as this program's version of its record; nil for a type that it does not know.
func (d *decoder) decode(ctx context.Context, message []byte) (any, error) {
	if len(message) < prefixBytes || message[0] != 0 {
		return nil, errors.New("no event: it does not begin with zero and a schema id")
	}
	id := binary.BigEndian.Uint32(message[1:prefixBytes])
	if _, asked := d.schemas[id]; !asked {
		if err := d.learn(ctx, id); err != nil {
			return nil, err
		}
	}
	schema := d.schemas[id]
	if schema == nil {
		return nil, nil
	}
	event := types[fullName(schema)]()
	if err := avro.Unmarshal(schema, message[prefixBytes:], event); err != nil {
		return nil, err
	}
	return event, nil
}

// learn asks for a writer's schema and joins it with our own. Decoding by the writer's schema alone would hand on symbols that this program
// does not know, and leave what the writer did not have yet without its default.
func (d *decoder) learn(ctx context.Context, id uint32) error {
	writer, err := d.registry.GetSchema(ctx, int(id))
	if err != nil {
		return fmt.Errorf("schema %d: %w", id, err)
	}
	make, known := types[fullName(writer)]
	if !known {
		d.schemas[id] = nil
		return nil
	}
	d.schemas[id], err = avro.NewSchemaCompatibility().Resolve(make().Schema(), writer)
	return err
}

func fullName(schema avro.Schema) string {
	if named, ok := schema.(avro.NamedSchema); ok {
		return named.FullName()
	}
	return ""
}
