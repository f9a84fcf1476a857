package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;
import pitwall.plan.Plan;

import java.io.IOException;
import java.util.Arrays;

/**
 * Seconds since lap start at every {@link Plan#GRID_M} metres: of the current lap, and of the best
 * lap to compare it with.
 */
final class LapTrace {
    private static final int MIN_CAPACITY = 64;
    private static final int MAX_LENGTH = (int) (Plan.LONGEST_LAP_M / Plan.GRID_M) + 1;

    private double[] current = new double[MIN_CAPACITY];
    private int length;
    private double[] best = new double[0];

    void begin() {
        length = 0;
    }

    /** The current lap is the best one from now on. */
    void keepAsBest() {
        best = Arrays.copyOf(current, length);
    }

    /** No lap is the best one. */
    void forgetBest() {
        best = new double[0];
    }

    double[] best() {
        return best;
    }

    /**
     * Adds the grid lines between two samples, by interpolation. Distances in metres since lap
     * start, times in seconds of the session.
     */
    void add(double fromM, double fromS, double toM, double toS, double startS) {
        while (length < MAX_LENGTH && length * Plan.GRID_M <= toM) {
            double line = length * Plan.GRID_M;
            double share = toM > fromM ? Math.max(0, (line - fromM) / (toM - fromM)) : 1;
            if (length == current.length) {
                current = Arrays.copyOf(current, current.length * 2);
            }
            current[length++] = fromS + share * (toS - fromS) - startS;
        }
    }

    /**
     * Seconds by which a car is behind (above zero) or ahead of a lap; NaN where that lap has no
     * time.
     *
     * @param lap seconds since lap start at each grid line
     * @param distance metres since lap start
     * @param sinceStart seconds since lap start
     */
    static double delta(double[] lap, double distance, double sinceStart) {
        if (!(distance >= 0 && distance / Plan.GRID_M < lap.length - 1)) {
            return Double.NaN;
        }
        int line = (int) (distance / Plan.GRID_M);
        double share = distance / Plan.GRID_M - line;
        return sinceStart - (lap[line] + share * (lap[line + 1] - lap[line]));
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return 80 + 8L * (current.length + best.length);
    }

    void write(DataOutputView out) throws IOException {
        StateBytes.writeDoubles(out, Arrays.copyOf(current, length));
        StateBytes.writeDoubles(out, best);
    }

    void read(DataInputView in) throws IOException {
        current = StateBytes.readDoubles(in);
        length = current.length;
        current = Arrays.copyOf(current, Math.max(MIN_CAPACITY, length));
        best = StateBytes.readDoubles(in);
    }
}
