package pitwall.plan;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What the job reads and computes for one feature view. Python renders it as JSON from the feature
 * definitions ({@code pitwall.features}).
 */
public final class Plan implements Serializable {
    /** Distance between two entries of a reference lap and of the best lap, in metres. */
    public static final double GRID_M = 10;

    /** Most sectors of a lap. */
    public static final int MAX_SECTORS = 100;

    /** Longest lap, metres. A greater distance, or one as far before the line, is no distance. */
    public static final double LONGEST_LAP_M = 100_000;

    /** The JSON that this plan was read from. */
    public final String json;

    /** Name of the feature view. */
    public final String view;

    private final String vehicles;

    /** A channel's index in this list is its code in {@code pitwall.wire.Samples}. */
    public final List<Channel> channels = new ArrayList<>();

    /** The maths channels, in an order in which they can be computed. */
    public final List<Formula> formulas = new ArrayList<>();

    /** What features are computed from: the channels, and after them the maths channels. */
    public final List<Channel> sources = new ArrayList<>();

    /** The features, in the order of the view's columns. */
    public final List<Feature> features = new ArrayList<>();

    /** What the features look back on. */
    public final LookBackSpec lookBack;

    /** Indices of the sources that features sum since lap start, rising. */
    public final int[] lapChannels;

    /** Index of the channel with the distance since lap start, in metres. */
    public final int distance;

    /** Number of sectors that a lap is divided into, all of the same length. */
    public final int sectors;

    /** Greatest distance in session time by which ticks may arrive out of order, microseconds. */
    public final long reorderUs;

    /**
     * How long a silent topic or partition may hold back the ticks of the others, milliseconds of
     * wall clock.
     */
    public final long idleMs;

    /** Kafka's addresses, host:port separated by commas; empty where there is no Kafka. */
    public final String kafka;

    /** A session that is silent for so long is over, milliseconds of Kafka time that was read. */
    public final long releaseMs;

    /** Most sessions that one task keeps open. */
    public final int sessionsMax;

    /** Most memory that the sessions of one task may take; 0 for a share of the heap. */
    public final long sessionBytes;

    /**
     * Reads the plan. Throws IllegalArgumentException if it is no JSON, names an unknown kind, or
     * holds a feature that cannot be computed.
     */
    public Plan(String json) {
        this.json = json;
        try {
            JsonNode root = new ObjectMapper().readTree(json);
            Map<String, Integer> indexes = new HashMap<>();
            for (JsonNode node : root.get("channels")) {
                Channel channel = channel(node);
                indexes.put(channel.id(), channels.size());
                channels.add(channel);
            }
            sources.addAll(channels);
            distance = indexes.get(root.get("distance").asText());
            if (root.has("maths")) {
                for (JsonNode node : root.get("maths")) {
                    addFormula(node, indexes);
                }
            }
            view = root.get("view").asText();
            vehicles = root.get("vehicles").asText();
            sectors = root.get("sectors").asInt();
            for (JsonNode node : root.get("features")) {
                Feature feature = feature(node, indexes, root.get("references"));
                check(feature);
                features.add(feature);
            }
            lookBack = new LookBackSpec(sources, features);
            lapChannels =
                    features.stream()
                            .filter(feature -> feature.kind().sumsLap())
                            .mapToInt(Feature::channel)
                            .distinct()
                            .sorted()
                            .toArray();
            reorderUs = root.get("reorder_us").asLong();
            idleMs = root.get("idle_ms").asLong();
            kafka = root.get("kafka").asText();
            releaseMs = root.get("release_ms").asLong();
            sessionsMax = root.get("sessions_max").asInt();
            sessionBytes = root.get("session_bytes").asLong();
        } catch (IOException e) {
            throw new IllegalArgumentException("the plan is not JSON: " + json, e);
        }
    }

    private static Channel channel(JsonNode node) {
        Map<String, Double> factors = new HashMap<>();
        node.get("factors")
                .fields()
                .forEachRemaining(unit -> factors.put(unit.getKey(), unit.getValue().asDouble()));
        List<String> aliases = new ArrayList<>();
        node.get("aliases").forEach(alias -> aliases.add(alias.asText()));
        return new Channel(
                node.get("id").asText(),
                aliases,
                factors,
                node.get("low").asDouble(),
                node.get("high").asDouble());
    }

    private void addFormula(JsonNode node, Map<String, Integer> indexes) {
        List<FormulaStep> steps = new ArrayList<>();
        for (JsonNode parts : node.get("steps")) {
            String name = parts.get(0).asText();
            boolean isNumber = name.equals("number");
            int[] places = new int[isNumber ? 0 : parts.size() - 1];
            for (int i = 0; i < places.length; i++) {
                JsonNode place = parts.get(i + 1);
                places[i] = place.isTextual() ? indexes.get(place.asText()) : place.asInt();
            }
            steps.add(new FormulaStep(name, places, isNumber ? parts.get(1).asDouble() : 0));
        }
        List<Integer> reads = new ArrayList<>();
        node.get("reads").forEach(id -> reads.add(indexes.get(id.asText())));
        String key = node.get("key").asText();
        formulas.add(new Formula(key, reads.stream().mapToInt(i -> i).toArray(), steps));
        indexes.put(node.get("id").asText(), sources.size());
        // Windows and sums find their state again by this id.
        double low = node.get("low").asDouble();
        sources.add(new Channel(key, List.of(), Map.of(), low, node.get("high").asDouble()));
    }

    private static Feature feature(
            JsonNode node, Map<String, Integer> indexes, JsonNode references) {
        JsonNode channel = node.get("channel");
        JsonNode reference = node.get("reference");
        return new Feature(
                node.get("name").asText(),
                FeatureKind.named(node.get("kind").asText()),
                channel.isNull() ? -1 : indexes.get(channel.asText()),
                node.get("window_us").asLong(),
                node.get("argument").asDouble(),
                reference == null ? null : doubles(references.get(reference.asText())));
    }

    /**
     * Python refuses such definitions when it loads them, with their place. Here they end the job
     * before it begins, and not at a tick.
     */
    private void check(Feature feature) {
        FeatureKind kind = feature.kind();
        boolean sound =
                sectors >= 1
                        && sectors <= MAX_SECTORS
                        && kind.needsChannel() == (feature.channel() >= 0)
                        && Double.isFinite(feature.argument());
        if (kind.series != null) {
            long windowUs = feature.windowUs();
            sound &= windowUs > 0 && windowUs <= LookBackSpec.LONGEST_US;
        }
        if (kind.isOfOneSector()) {
            sound &= feature.argument() >= 1 && feature.argument() <= sectors;
        }
        if (kind == FeatureKind.DELTA_TO_REFERENCE) {
            sound &= feature.reference() != null;
        }
        if (!sound) {
            throw new IllegalArgumentException(
                    "the plan's feature " + feature.name() + " cannot be computed: " + feature);
        }
    }

    private static double[] doubles(JsonNode array) {
        double[] values = new double[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asDouble();
        }
        return values;
    }

    /** Ids of the channels, in their order. */
    public List<String> channelIds() {
        return channels.stream().map(Channel::id).toList();
    }

    /**
     * Whether the view computes features for this vehicle: its pattern ({@code *} for any text,
     * {@code ?} for any character) matches the vehicle's id.
     */
    public boolean takes(String vehicle) {
        StringBuilder pattern = new StringBuilder();
        for (int i = 0; i < vehicles.length(); i++) {
            char c = vehicles.charAt(i);
            pattern.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
        }
        return Pattern.compile(pattern.toString(), Pattern.DOTALL).matcher(vehicle).matches();
    }
}
