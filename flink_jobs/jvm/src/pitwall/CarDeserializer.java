package pitwall;

import java.io.IOException;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.util.Collector;

/**
 * Reads one message of the car: a JSON array, one object a channel. A message is taken whole or not at all.
 *
 * <p>Gives rows (vehicle, session, start_us, t_us, values[channels of the plan, NaN where missing], error, raw).
 */
final class CarDeserializer implements DeserializationSchema<RowData> {
    private static final long MAX_SESSION_US = 366L * 86400 * 1_000_000;

    private record TickKey(String vehicle, String session, long timeUs) {}

    private final Plan plan;
    private final TypeInformation<RowData> type;
    private transient JsonFactory factory;
    private transient Map<String, Integer> index;
    private transient Map<String, Integer> standIns;
    private transient Map<String, Long> starts;

    CarDeserializer(Plan plan, TypeInformation<RowData> type) {
        this.plan = plan;
        this.type = type;
    }

    @Override
    public void open(InitializationContext context) {
        factory = new JsonFactory();
        index = new HashMap<>();
        standIns = new HashMap<>();
        for (int i = 0; i < plan.channels.size(); i++) {
            index.put(plan.channels.get(i).id(), i);
            for (String alias : plan.channels.get(i).aliases()) {
                standIns.put(alias, i);
            }
        }
        starts = new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
                return size() > 1000;
            }
        };
    }

    @Override
    public RowData deserialize(byte[] message) {
        throw new UnsupportedOperationException("one message may hold several ticks");
    }

    @Override
    public void deserialize(byte[] message, Collector<RowData> out) {
        Map<TickKey, double[]> ticks;
        try {
            ticks = message == null ? null : read(message);
            if (ticks == null || ticks.isEmpty()) {
                throw new IllegalArgumentException(message == null ? "empty record" : "no channel in the message");
            }
        } catch (IOException | IllegalArgumentException e) {
            String reason = String.valueOf(e.getMessage()).split("\n", 2)[0];
            out.collect(GenericRowData.of(
                    null, null, null, null, null, StringData.fromString(reason), message == null ? new byte[0] : message));
            return;
        }
        ticks.forEach((key, values) -> out.collect(GenericRowData.of(
                StringData.fromString(key.vehicle),
                StringData.fromString(key.session),
                starts.computeIfAbsent(key.session, CarDeserializer::startUs),
                key.timeUs,
                new GenericArrayData(values),
                null,
                null)));
    }

    private Map<TickKey, double[]> read(byte[] message) throws IOException {
        Map<TickKey, double[]> ticks = new LinkedHashMap<>();
        TickKey last = null;
        double[] values = null;
        try (JsonParser json = factory.createParser(message)) {
            if (json.nextToken() != JsonToken.START_ARRAY) {
                throw new IllegalArgumentException("not a JSON array");
            }
            int position = 0;
            while (json.nextToken() != JsonToken.END_ARRAY) {
                if (json.currentToken() != JsonToken.START_OBJECT) {
                    throw new IllegalArgumentException("element " + position + " is no object");
                }
                String vehicle = null;
                String session = null;
                String channel = null;
                String unit = null;
                double time = Double.NaN;
                double value = Double.NaN;
                boolean timed = false;
                while (json.nextToken() == JsonToken.FIELD_NAME) {
                    String key = json.currentName();
                    JsonToken token = json.nextToken();
                    switch (key) {
                        case "VehicleId" -> vehicle = text(json, token, key, position);
                        case "SessionId" -> session = text(json, token, key, position);
                        case "ChannelId" -> channel = text(json, token, key, position);
                        case "ChannelUnit" -> unit = token == JsonToken.VALUE_NULL ? null : text(json, token, key, position);
                        case "Timestamp" -> {
                            time = number(json, token, key, position);
                            timed = true;
                        }
                        case "ChannelValue" -> value = token == JsonToken.VALUE_NULL ? Double.NaN : number(json, token, key, position);
                        default -> json.skipChildren();
                    }
                }
                if (vehicle == null || session == null || channel == null || !timed) {
                    throw new IllegalArgumentException("element " + position + " lacks "
                            + (vehicle == null ? "VehicleId" : session == null ? "SessionId" : channel == null ? "ChannelId" : "Timestamp"));
                }
                if (!Double.isFinite(time) || Math.abs(time) * 1e6 > MAX_SESSION_US) {
                    throw new IllegalArgumentException("element " + position + " has Timestamp " + time + ", not seconds since session start");
                }
                long timeUs = Math.round(time * 1e6);
                if (last == null || last.timeUs != timeUs || !last.vehicle.equals(vehicle) || !last.session.equals(session)) {
                    starts.computeIfAbsent(session, CarDeserializer::startUs);
                    last = new TickKey(vehicle, session, timeUs);
                    values = ticks.computeIfAbsent(last, k -> {
                        double[] empty = new double[plan.channels.size()];
                        Arrays.fill(empty, Double.NaN);
                        return empty;
                    });
                }
                Integer at = index.get(channel);
                if (at != null) {
                    values[at] = canonical(at, unit, value);
                }
                Integer standIn = standIns.get(channel);
                if (standIn != null && Double.isNaN(values[standIn])) {
                    values[standIn] = canonical(standIn, unit, value);
                }
                position++;
            }
            if (json.nextToken() != null) {
                throw new IllegalArgumentException("something follows the JSON array");
            }
        }
        return ticks;
    }

    private double canonical(int channel, String unit, double value) {
        Double factor = unit == null ? null : plan.channels.get(channel).factors().get(unit.strip());
        double canonical = factor == null ? value : value * factor;
        return Double.isFinite(canonical) ? canonical : Double.NaN;
    }

    private static String text(JsonParser json, JsonToken token, String key, int position) throws IOException {
        if (token != JsonToken.VALUE_STRING || (json.getTextLength() == 0 && !key.equals("ChannelUnit"))) {
            throw new IllegalArgumentException("element " + position + " has a " + key + " that is no text");
        }
        return json.getText();
    }

    private static double number(JsonParser json, JsonToken token, String key, int position) throws IOException {
        if (token == JsonToken.VALUE_NUMBER_FLOAT || token == JsonToken.VALUE_NUMBER_INT) {
            return json.getDoubleValue();
        }
        if (token == JsonToken.VALUE_STRING) {
            switch (json.getText()) {
                case "NaN":
                    return Double.NaN;
                case "Infinity":
                    return Double.POSITIVE_INFINITY;
                case "-Infinity":
                    return Double.NEGATIVE_INFINITY;
                default:
            }
        }
        throw new IllegalArgumentException("element " + position + " has a " + key + " that is no number");
    }

    /** Session start in microseconds since the epoch, from {@code yyyyMMdd-HHmmss…}, taken as UTC. */
    static long startUs(String session) {
        try {
            if (session.length() < 15 || session.charAt(8) != '-' || (session.length() > 15 && session.charAt(15) != '-')) {
                throw new NumberFormatException();
            }
            LocalDateTime start = LocalDateTime.of(
                    digits(session, 0, 4), digits(session, 4, 6), digits(session, 6, 8),
                    digits(session, 9, 11), digits(session, 11, 13), digits(session, 13, 15));
            return start.toEpochSecond(ZoneOffset.UTC) * 1_000_000;
        } catch (NumberFormatException | DateTimeException e) {
            throw new IllegalArgumentException("SessionId '" + session + "' does not begin with yyyyMMdd-HHmmss");
        }
    }

    private static int digits(String text, int from, int to) {
        int number = 0;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                throw new NumberFormatException();
            }
            number = number * 10 + (c - '0');
        }
        return number;
    }

    @Override
    public boolean isEndOfStream(RowData next) {
        return false;
    }

    @Override
    public TypeInformation<RowData> getProducedType() {
        return type;
    }
}
