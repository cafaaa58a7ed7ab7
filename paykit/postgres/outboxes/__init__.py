"""The table of events to be sent (`outbox`), and what Kafka refuses of them (`outbox_holds`)."""
