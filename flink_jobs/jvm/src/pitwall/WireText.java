package pitwall;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonGenerator;

/** A tick in the car's wire format again, with what was kept of it: ids, time and values in the plan's units. */
final class WireText {
    private static final JsonFactory FACTORY = new JsonFactory();

    private WireText() {}

    static byte[] of(String vehicle, String session, long timeUs, Map<String, double[]> channels) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = FACTORY.createGenerator(bytes)) {
            json.writeStartArray();
            for (Map.Entry<String, double[]> channel : channels.entrySet()) {
                json.writeStartObject();
                json.writeStringField("VehicleId", vehicle);
                json.writeStringField("SessionId", session);
                json.writeNumberField("Timestamp", timeUs / 1e6);
                json.writeStringField("ChannelId", channel.getKey());
                json.writeNumberField("ChannelValue", channel.getValue()[0]);
                json.writeEndObject();
            }
            json.writeEndArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
