package pitwall;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/** What to read and what to compute, as rendered from the feature definitions by pitwall.flink.plan. */
public final class Plan implements Serializable {
    /** A channel: its id on the wire, ids that stand in for it, and the factor from each known unit to the canonical one. */
    public record Channel(String id, List<String> aliases, Map<String, Double> factors) implements Serializable {}

    /** A feature: kind, index of its channel, window in microseconds and threshold. */
    public record Feature(String name, String kind, int channel, long windowUs, double threshold) implements Serializable {}

    public final String json;
    public final List<Channel> channels = new ArrayList<>();
    public final List<Feature> features = new ArrayList<>();
    public final int distance;
    public final long idleMs;

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
                channels.add(new Channel(channel.get("id").asText(), aliases, factors));
            }
            for (JsonNode feature : root.get("features")) {
                JsonNode channel = feature.get("channel");
                features.add(new Feature(
                        feature.get("name").asText(),
                        feature.get("kind").asText(),
                        channel.isNull() ? -1 : index.get(channel.asText()),
                        feature.get("window_us").asLong(),
                        feature.get("threshold").asDouble()));
            }
            distance = index.get(root.get("distance").asText());
            idleMs = root.get("idle_ms").asLong();
        } catch (java.io.IOException e) {
            throw new IllegalArgumentException("plan is not JSON: " + json, e);
        }
    }
}
