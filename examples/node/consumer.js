// Reads payment.events and accounting.events, and prints a line for each event that it knows.
//
// Settings: KAFKA_BOOTSTRAP, REGISTRY_URL, GROUP, and where a platform has one TOPIC_PREFIX. With COUNT it ends after as many lines.
import kafkajs from "kafkajs";
import lz4 from "lz4js";

import { Decoder } from "./decoder.js";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;

// paystream's producers compress by LZ4, which kafkajs leaves to others.
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async ({ buffer }) => Buffer.from(lz4.compress(buffer)),
  decompress: async (buffer) => Buffer.from(lz4.decompress(buffer)),
});

const TOPICS = ["payment.events", "accounting.events"];
const KNOWN = [
  "payment.events/PaymentSuccess",
  "payment.events/PaymentFailed",
  "accounting.events/TransactionCreated",
];

const LINES = {
  PaymentSuccess: (event) => `${event.payment_id} ${event.amount_minor} ${event.currency_code} ${event.method}`,
  PaymentFailed: (event) => `${event.payment_id} ${event.reason}`,
  TransactionCreated: (event) => `${event.related_no} ${effects(event)}`,
};

// What a transaction does to the balances of each kind of account: never sum debits and credits, which depend on the chart.
function effects(booked) {
  const sums = new Map();
  for (const { account_kind: kind, effect, amount_minor: amount } of booked.entries) {
    sums.set(kind, (sums.get(kind) ?? 0n) + effect * amount);
  }
  return [...sums].sort().map(([kind, sum]) => `${kind}=${sum}`).join(" ");
}

async function run({ KAFKA_BOOTSTRAP, REGISTRY_URL, GROUP, TOPIC_PREFIX = "", COUNT = "Infinity" }) {
  const decoder = new Decoder(REGISTRY_URL, KNOWN);
  const kafka = new Kafka({ brokers: [KAFKA_BOOTSTRAP], logLevel: logLevel.ERROR });
  const consumer = kafka.consumer({ groupId: GROUP });
  // Of this process alone: keep ids beside the effects, in the same transaction, to be exact across restarts.
  const seen = new Set();
  let left = Number(COUNT);
  await consumer.connect();
  await consumer.subscribe({ topics: TOPICS.map((topic) => TOPIC_PREFIX + topic), fromBeginning: true });
  await new Promise((done, failed) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
    // Offsets are committed after eachMessage: what is not committed when the process dies comes once more.
    consumer.run({
      eachMessage: async ({ message }) => {
        const decoded = await decoder.decode(message.value);
        if (decoded === null || seen.has(decoded.event.event_id) || left === 0) return;
        seen.add(decoded.event.event_id);
        left -= 1;
        console.log(`${decoded.name} ${LINES[decoded.name](decoded.event)}`);
        if (left === 0) done();
      },
    });
  });
  await consumer.disconnect();
}

await run(process.env);
