package pitwall.history;

import java.util.Map;

/** Receives a chunk of history that is complete. */
public interface ChunkOutput {
    /**
     * Takes a chunk; the arrays belong to the receiver.
     *
     * @param timesUs times of the ticks, microseconds since session start
     * @param channels by channel id a value for each time, NaN where there is none, in the order of
     *     the ids
     */
    void chunk(long[] timesUs, Map<String, double[]> channels);
}
