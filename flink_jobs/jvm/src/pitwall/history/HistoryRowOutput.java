package pitwall.history;

import java.util.Map;

/** Receives a row of the table {@code telemetry_history}. */
public interface HistoryRowOutput {
    /**
     * Takes a row.
     *
     * @param timeUs the row's event time, microseconds since session start
     * @param bucket the minute of session time, or {@link HistoryRows#MINUTES}
     * @param startUs time of the first tick, microseconds since session start
     * @param digest tells chunks apart that begin at the same time
     * @param timesUs little-endian times, 8 bytes each
     * @param channels by channel id little-endian doubles, one for each time
     */
    void row(
            long timeUs,
            int bucket,
            long startUs,
            long digest,
            byte[] timesUs,
            Map<String, byte[]> channels);
}
