package pitwall.features;

import org.apache.flink.core.memory.DataOutputSerializer;

import pitwall.plan.Plan;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * What the state of a session takes, for the tests: drives sessions at one rate, every channel with
 * each tick.
 *
 * <p>Arguments: a plan's file, the microseconds between two ticks, the number of ticks and of
 * sessions. Prints three numbers for each session, all in bytes: its state as a checkpoint holds
 * it, {@link SessionFeatures#bytes}, and what the heap has grown by. On a line of their own follow
 * the features of the last tick.
 */
public final class FeatureMemory {
    private static final int COLLECTIONS = 5;

    private FeatureMemory() {}

    public static void main(String[] arguments) throws IOException {
        Plan plan = new Plan(Files.readString(Path.of(arguments[0])));
        long stepUs = Long.parseLong(arguments[1]);
        long ticks = Long.parseLong(arguments[2]);
        SessionFeatures[] sessions = new SessionFeatures[Integer.parseInt(arguments[3])];
        SplittableRandom dice = new SplittableRandom(1);
        double[] values = new double[plan.channels.size()];
        boolean[] sent = new boolean[values.length];
        double[] out = new double[plan.features.size()];
        Arrays.fill(sent, true);
        new SessionFeatures(plan).next(0, values, sent, out);
        long before = usedBytes();
        for (int k = 0; k < sessions.length; k++) {
            sessions[k] = new SessionFeatures(plan);
        }
        for (long tick = 0; tick < ticks; tick++) {
            for (int c = 0; c < values.length; c++) {
                values[c] = dice.nextDouble(100);
            }
            for (SessionFeatures session : sessions) {
                session.next(tick * stepUs, values, sent, out);
            }
        }
        long grownBytes = (usedBytes() - before) / sessions.length;
        DataOutputSerializer state = new DataOutputSerializer(1 << 12);
        sessions[0].write(state);
        System.out.println(state.length() + " " + sessions[0].bytes() + " " + grownBytes);
        System.out.println(Arrays.toString(out));
    }

    private static long usedBytes() {
        Runtime runtime = Runtime.getRuntime();
        long used = Long.MAX_VALUE;
        for (int i = 0; i < COLLECTIONS; i++) {
            System.gc();
            used = Math.min(used, runtime.totalMemory() - runtime.freeMemory());
        }
        return used;
    }
}
