package pitwall.simulation;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;

import pitwall.plan.Plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A short session and its rows, for the oracle in Python: what the car measured, and what came out
 * of the job.
 */
record Sample(String definitions, Plan plan, CarSession session, List<FeatureRow> rows) {
    private static final int MAX_TICKS = 400;

    /** The first session that is short and whole; null where there is none. */
    static Sample of(World world, Sinks sinks) {
        if (world.plans.size() > 1) {
            return null;
        }
        for (Expectation expectation : world.expectations.values()) {
            CarSession session = expectation.session;
            boolean isPlain = session.absurdDistances.isEmpty() && session.outliers.isEmpty();
            boolean isLate =
                    sinks.letters.stream()
                            .anyMatch(letter -> letter.isLate && letter.record.session == session);
            if (expectation.isBurst || !isPlain || isLate || session.timesUs.length > MAX_TICKS) {
                continue;
            }
            List<FeatureRow> rows = new ArrayList<>();
            for (FeatureRow row : sinks.rows) {
                if (row.session == expectation && !row.isTakenBack) {
                    rows.add(row);
                }
            }
            long[] timesUs = rows.stream().mapToLong(row -> row.timeUs).toArray();
            if (Arrays.equals(timesUs, session.timesUs)) {
                return new Sample(world.definitions, world.plans.get(0), session, rows);
            }
        }
        return null;
    }

    /** Writes ticks as [time, {channel: value}] and rows as [time, [value, …]], null for NaN. */
    void write(ObjectNode json) {
        json.put("definitions", definitions);
        ArrayNode ticks = json.putArray("ticks");
        double[] values = new double[plan.channels.size()];
        boolean[] sent = new boolean[values.length];
        for (int tick = 0; tick < session.timesUs.length; tick++) {
            session.spread(tick, ~0L, plan, values, sent, true);
            ArrayNode pair = ticks.addArray().add(session.timesUs[tick]);
            ObjectNode channels = pair.addObject();
            for (int c = 0; c < values.length; c++) {
                if (sent[c]) {
                    put(channels.putArray(plan.channels.get(c).id()), values[c]);
                }
            }
        }
        ArrayNode lines = json.putArray("rows");
        for (FeatureRow row : rows) {
            ArrayNode features = lines.addArray().add(row.timeUs).addArray();
            for (double value : row.values) {
                put(features, value);
            }
        }
    }

    private static void put(ArrayNode array, double value) {
        if (Double.isNaN(value)) {
            array.addNull();
        } else {
            array.add(value);
        }
    }
}
