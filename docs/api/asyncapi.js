// Shows asyncapi.yaml: its payloads are the Avro schemas of the registry, which the component does not read by itself.
"use strict";

const DOCUMENT = "asyncapi.yaml"; // JSON, which YAML is a superset of.
const PRIMITIVES = {
  null: { type: "null" },
  boolean: { type: "boolean" },
  int: { type: "integer", format: "int32" },
  long: { type: "integer", format: "int64" },
  float: { type: "number", format: "float" },
  double: { type: "number", format: "double" },
  bytes: { type: "string", format: "binary" },
  string: { type: "string" },
};

// Return a schema of Avro as one of JSON, for reading. `named` holds the types that were defined before, by full name.
function jsonSchema(avro, named, namespace) {
  if (Array.isArray(avro)) {
    const some = avro.filter((branch) => branch !== "null").map((branch) => jsonSchema(branch, named, namespace));
    const schema = some.length === 1 ? { ...some[0] } : { oneOf: some };
    return some.length < avro.length ? { ...schema, "x-nullable": true } : schema;
  }
  if (typeof avro === "string") {
    const found = PRIMITIVES[avro] ?? named[avro] ?? named[`${namespace}.${avro}`];
    if (found === undefined) throw new Error(`no Avro type ${avro}`);
    return found;
  }
  const inner = avro.namespace ?? namespace;
  const said = avro.doc ? { description: avro.doc } : {};
  switch (avro.type) {
    case "record": {
      const schema = { ...said, title: avro.name, type: "object", properties: {}, required: [] };
      named[`${inner}.${avro.name}`] = schema;
      for (const field of avro.fields) {
        const doc = field.doc ? { description: field.doc } : {};
        const preset = "default" in field ? { default: field.default } : {};
        schema.properties[field.name] = { ...jsonSchema(field.type, named, inner), ...doc, ...preset };
        if (!("default" in field)) schema.required.push(field.name);
      }
      return schema;
    }
    case "enum":
      return (named[`${inner}.${avro.name}`] = { ...said, title: avro.name, type: "string", enum: avro.symbols });
    case "fixed":
      return (named[`${inner}.${avro.name}`] = { ...said, title: avro.name, type: "string", format: "binary" });
    case "array":
      return { ...said, type: "array", items: jsonSchema(avro.items, named, inner) };
    case "map":
      return { ...said, type: "object", additionalProperties: jsonSchema(avro.values, named, inner) };
    default: {
      const logical = avro.logicalType ? { format: avro.logicalType } : {};
      return { ...jsonSchema(avro.type, named, inner), ...said, ...logical };
    }
  }
}

async function load(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function show(place) {
  const shown = await load(DOCUMENT);
  const messages = Object.values(shown.components.messages);
  const schemas = await Promise.all(messages.map((message) => load(message.payload.schema.$ref)));
  messages.forEach((message, at) => {
    message.payload = jsonSchema(schemas[at], {}, "");
  });
  AsyncApiStandalone.render({ schema: shown, config: { show: { sidebar: true, errors: true } } }, place);
}

const place = document.getElementById("events");
show(place).catch((error) => {
  place.textContent = `The events cannot be shown: ${error.message}. Is the whole checkout served?`;
  console.error(error);
});
