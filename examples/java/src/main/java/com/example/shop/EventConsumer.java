package com.example.shop;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import paystream.accounting.v1.Entry;
import paystream.accounting.v1.TransactionCreated;
import paystream.payment.v1.PaymentFailed;
import paystream.payment.v1.PaymentSuccess;

/**
 * Reads payment.events and accounting.events, and prints a line for each event that it knows.
 *
 * <p>Settings: KAFKA_BOOTSTRAP, REGISTRY_URL, GROUP, and where a platform has one TOPIC_PREFIX. With COUNT it ends after as many lines.
 */
public final class EventConsumer {
    static {
        // Avro makes no class of a schema's name whose package is not named here, nested records' and enums' among them. It reads the
        // property once, before its first schema.
        System.setProperty("org.apache.avro.SERIALIZABLE_PACKAGES", "paystream.payment.v1,paystream.accounting.v1");
    }

    private static final Duration POLL = Duration.ofSeconds(1);
    private static final List<String> TOPICS = List.of("payment.events", "accounting.events");

    /** Of this process alone: keep ids beside the effects, in the same transaction, to be exact across restarts. */
    private final Set<String> seen = new HashSet<>();

    private final EventDecoder decoder;
    private long left;

    private EventConsumer(EventDecoder decoder, long left) {
        this.decoder = decoder;
        this.left = left;
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> settings = System.getenv();
        EventDecoder decoder = new EventDecoder(
                settings.get("REGISTRY_URL"),
                List.of(PaymentSuccess.getClassSchema(), PaymentFailed.getClassSchema(), TransactionCreated.getClassSchema()));
        new EventConsumer(decoder, Long.parseLong(settings.getOrDefault("COUNT", String.valueOf(Long.MAX_VALUE)))).run(settings);
    }

    private void run(Map<String, String> settings) throws Exception {
        Map<String, Object> properties = Map.of(
                "bootstrap.servers", settings.get("KAFKA_BOOTSTRAP"),
                "group.id", settings.get("GROUP"),
                "auto.offset.reset", "earliest",
                "enable.auto.commit", "false",
                "allow.auto.create.topics", "false");
        String prefix = settings.getOrDefault("TOPIC_PREFIX", "");
        try (KafkaConsumer<String, byte[]> consumer =
                new KafkaConsumer<>(properties, new StringDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(TOPICS.stream().map(topic -> prefix + topic).toList());
            while (left > 0) {
                for (var message : consumer.poll(POLL)) {
                    SpecificRecord event = decoder.decode(message.value());
                    if (event != null && left > 0) {
                        apply(event);
                    }
                }
                // After the effects: what is not committed when the process dies comes once more.
                consumer.commitSync();
            }
        }
    }

    private void apply(SpecificRecord event) {
        if (!seen.add((String) event.get(event.getSchema().getField("event_id").pos()))) {
            return;
        }
        left--;
        if (event instanceof PaymentSuccess paid) {
            System.out.printf(
                    "PaymentSuccess %s %d %s %s%n",
                    paid.getPaymentId(), paid.getAmountMinor(), paid.getCurrencyCode(), paid.getMethod());
        } else if (event instanceof PaymentFailed failed) {
            System.out.printf("PaymentFailed %s %s%n", failed.getPaymentId(), failed.getReason());
        } else if (event instanceof TransactionCreated booked) {
            System.out.printf("TransactionCreated %s %s%n", booked.getRelatedNo(), effects(booked));
        }
        System.out.flush();
    }

    /** What a transaction does to the balances of each kind of account: never sum debits and credits, which depend on the chart. */
    private static String effects(TransactionCreated booked) {
        return booked.getEntries().stream()
                .collect(Collectors.groupingBy(
                        Entry::getAccountKind,
                        TreeMap::new,
                        Collectors.summingLong(entry -> Math.multiplyExact(entry.getEffect(), entry.getAmountMinor()))))
                .entrySet()
                .stream()
                .map(kind -> kind.getKey() + "=" + kind.getValue())
                .collect(Collectors.joining(" "));
    }
}
