package com.example.shop;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificRecord;

/**
 * Makes events of messages in Confluent's wire format: a zero byte, the id of the writer's schema in four bytes, the Avro body.
 *
 * <p>Confluent's KafkaAvroDeserializer does the same; it is not among the artifacts that everybody can fetch.
 */
final class EventDecoder {
    private static final int PREFIX_BYTES = 5;
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final ObjectMapper json = new ObjectMapper();
    private final Map<Integer, SpecificDatumReader<SpecificRecord>> readers = new HashMap<>();
    private final String registry;
    private final Map<String, Schema> known;

    /** Decodes the records whose classes have these schemas. */
    EventDecoder(String registry, Collection<Schema> own) {
        this.registry = registry;
        this.known = own.stream().collect(Collectors.toMap(Schema::getFullName, schema -> schema));
    }

    /** Returns the event as this program's version of its record; null for a type that it does not know. */
    SpecificRecord decode(byte[] message) throws IOException, InterruptedException {
        ByteBuffer prefix = ByteBuffer.wrap(message);
        if (message.length < PREFIX_BYTES || prefix.get() != 0) {
            throw new IOException("no event: " + message.length + " bytes that do not begin with zero and a schema id");
        }
        int id = prefix.getInt();
        if (!readers.containsKey(id)) {
            readers.put(id, reader(writerSchema(id)));
        }
        SpecificDatumReader<SpecificRecord> reader = readers.get(id);
        int length = message.length - PREFIX_BYTES;
        return reader == null ? null : reader.read(null, DecoderFactory.get().binaryDecoder(message, PREFIX_BYTES, length, null));
    }

    private SpecificDatumReader<SpecificRecord> reader(Schema writer) {
        Schema own = known.get(writer.getFullName());
        return own == null ? null : new SpecificDatumReader<>(writer, own);
    }

    private Schema writerSchema(int id) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(registry + "/schemas/ids/" + id)).timeout(TIMEOUT).build();
        HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException("schema " + id + ": the registry answers " + response.statusCode());
        }
        return new Schema.Parser().parse(json.readTree(response.body()).get("schema").asText());
    }
}
