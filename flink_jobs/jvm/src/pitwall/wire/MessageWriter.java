package pitwall.wire;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonGenerator;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;

/** Writes a tick as a message of the car again: ids, time, and values in canonical units. */
public final class MessageWriter {
    private static final JsonFactory FACTORY = new JsonFactory();

    private MessageWriter() {}

    /**
     * The message of one tick.
     *
     * @param timeUs microseconds since session start
     * @param channels by channel id an array with the tick's value in it
     */
    public static byte[] message(
            String vehicle, String session, long timeUs, Map<String, double[]> channels) {
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
