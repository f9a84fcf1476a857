package pitwall.simulation;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

import pitwall.plan.Plan;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The definitions that worlds are simulated with, and which of them may follow which. Python
 * renders them ({@code pitwall.lab.simulation}).
 */
final class Plans {
    /** Definitions by a name. */
    record Named(String name, Plan plan) {}

    /** Definitions and those that follow them in a running job, as indices of {@link #all}. */
    record Change(int from, int to) {}

    final List<Named> all = new ArrayList<>();
    final List<Change> changes = new ArrayList<>();

    /**
     * Reads a JSON file of the form {@code {"plans": [{"name": …, "plan": {…}}, …], "changes":
     * [[from, to], …]}}. Throws IOException if it cannot be read.
     */
    static Plans read(Path file) throws IOException {
        JsonNode root = new ObjectMapper().readTree(file.toFile());
        Plans plans = new Plans();
        for (JsonNode node : root.get("plans")) {
            plans.all.add(
                    new Named(node.get("name").asText(), new Plan(node.get("plan").toString())));
        }
        for (JsonNode node : root.get("changes")) {
            plans.changes.add(new Change(node.get(0).asInt(), node.get(1).asInt()));
        }
        return plans;
    }
}
