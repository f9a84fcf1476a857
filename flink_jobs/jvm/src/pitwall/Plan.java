package pitwall;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/** What to read and what to compute, as rendered from the feature definitions by pitwall.features. */
public final class Plan implements Serializable {
    /**
     * A channel: its id on the wire, ids that stand in for it, the factor from each known unit to the canonical one, and
     * its expected range in that unit.
     */
    public record Channel(String id, List<String> aliases, Map<String, Double> factors, double low, double high)
            implements Serializable {}

    /**
     * A feature: kind, index of its channel (-1 for none), window in microseconds, the kind's argument, and the reference
     * lap (null for none): the time since lap start every {@link Lap#GRID_M} metres.
     */
    public record Feature(String name, String kind, int channel, long windowUs, double argument, double[] reference)
            implements Serializable {}

    public final String json;

    /** Name of the feature view. */
    public final String view;

    private final String vehicles;
    public final List<Channel> channels = new ArrayList<>();
    public final List<Feature> features = new ArrayList<>();

    /** Index of the channel that gives the distance since lap start, in metres. */
    public final int distance;

    /** Sectors a lap is divided into, of equal length. */
    public final int sectors;

    /** How far apart in session time two ticks may change places, microseconds. */
    public final long reorderUs;

    /** How long, wall clock, a silent topic or partition may hold back what came through others, milliseconds. */
    public final long idleMs;

    /** Kafka's addresses, host:port separated by commas; empty where there is none. */
    public final String kafka;

    /** A session silent for this long, wall clock, is over: its state is released. Milliseconds. */
    public final long releaseMs;

    /** The first eight bytes of the definitions' digest: names the columns in each record of the features topic. */
    public final long schema;

    public Plan(String json) {
        this.json = json;
        try {
            JsonNode root = new ObjectMapper().readTree(json);
            Map<String, Integer> index = new HashMap<>();
            for (JsonNode channel : root.get("channels")) {
                Map<String, Double> factors = new HashMap<>();
                channel.get("factors").fields().forEachRemaining(e -> factors.put(e.getKey(), e.getValue().asDouble()));
                List<String> aliases = new ArrayList<>();
                channel.get("aliases").forEach(alias -> aliases.add(alias.asText()));
                index.put(channel.get("id").asText(), channels.size());
                channels.add(new Channel(
                        channel.get("id").asText(), aliases, factors, channel.get("low").asDouble(), channel.get("high").asDouble()));
            }
            view = root.get("view").asText();
            vehicles = root.get("vehicles").asText();
            for (JsonNode feature : root.get("features")) {
                JsonNode channel = feature.get("channel");
                JsonNode reference = feature.get("reference");
                features.add(new Feature(
                        feature.get("name").asText(),
                        feature.get("kind").asText(),
                        channel.isNull() ? -1 : index.get(channel.asText()),
                        feature.get("window_us").asLong(),
                        feature.get("argument").asDouble(),
                        reference == null ? null : doubles(root.get("references").get(reference.asText()))));
            }
            distance = index.get(root.get("distance").asText());
            sectors = root.get("sectors").asInt();
            reorderUs = root.get("reorder_us").asLong();
            idleMs = root.get("idle_ms").asLong();
            kafka = root.get("kafka").asText();
            releaseMs = root.get("release_ms").asLong();
            schema = Long.parseUnsignedLong(root.get("schema").asText(), 16);
        } catch (java.io.IOException e) {
            throw new IllegalArgumentException("plan is not JSON: " + json, e);
        }
    }

    /** Ids of the channels, in their order. */
    List<String> ids() {
        return channels.stream().map(Channel::id).toList();
    }

    private static double[] doubles(JsonNode array) {
        double[] values = new double[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asDouble();
        }
        return values;
    }

    /** Whether the view's pattern ({@code *} for any text, {@code ?} for any character) matches this vehicle. */
    boolean takes(String vehicle) {
        StringBuilder pattern = new StringBuilder();
        for (int i = 0; i < vehicles.length(); i++) {
            char c = vehicles.charAt(i);
            pattern.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
        }
        return Pattern.compile(pattern.toString(), Pattern.DOTALL).matcher(vehicle).matches();
    }
}
