import { readFileSync } from "node:fs";

import avro from "avsc";

const PREFIX_BYTES = 5;
const TIMEOUT_MS = 10_000;

// avsc reads a long as a number and refuses what a number cannot hold exactly: the largest amount, 2^53 - 1, among it.
const LONG = avro.types.LongType.__with({
  fromBuffer: (buffer) => buffer.readBigInt64LE(),
  toBuffer: (value) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value) => typeof value === "bigint",
  compare: (one, other) => (one === other ? 0 : one < other ? -1 : 1),
});

function typeOf(schema) {
  return avro.Type.forSchema(schema, { registry: { long: LONG }, wrapUnions: false });
}

/** Makes events of messages in Confluent's wire format: a zero byte, the id of the writer's schema in four bytes, the Avro body. */
export class Decoder {
  #registry;
  #own = new Map();
  #readers = new Map();

  /** Decodes the records of these files of contracts/schemas. */
  constructor(registry, files) {
    this.#registry = registry;
    for (const file of files) {
      const type = typeOf(JSON.parse(readFileSync(new URL(`contracts/schemas/${file}.avsc`, import.meta.url))));
      this.#own.set(type.name, type);
    }
  }

  /** Returns the name and the values of an event, as this program's version of its record; null for a type that it does not know. */
  async decode(message) {
    if (message.length < PREFIX_BYTES || message[0] !== 0) {
      throw new Error("no event: it does not begin with zero and a schema id");
    }
    const id = message.readUInt32BE(1);
    if (!this.#readers.has(id)) this.#readers.set(id, await this.#reader(id));
    const reader = this.#readers.get(id);
    if (reader === null) return null;
    const { value } = reader.own.decode(message, PREFIX_BYTES, reader.resolver);
    return { name: reader.own.name.split(".").pop(), event: value };
  }

  async #reader(id) {
    const answer = await fetch(`${this.#registry}/schemas/ids/${id}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) throw new Error(`schema ${id}: the registry answers ${answer.status}`);
    const writer = typeOf(JSON.parse((await answer.json()).schema));
    const own = this.#own.get(writer.name);
    return own === undefined ? null : { own, resolver: own.createResolver(writer) };
  }
}
