package pitwall.history;

import pitwall.bytes.LittleEndian;

import java.util.LinkedHashMap;
import java.util.Map;

/** Makes the rows of the table {@code telemetry_history} from the chunks of one session. */
public final class HistoryRows {
    /** The bucket whose rows list the minutes of a session. */
    static final int MINUTES = Integer.MIN_VALUE;

    private static final long MINUTE_US = 60_000_000;

    /** The minute that was listed last. Not part of the state: to list it twice does no harm. */
    private int listedMinute = Integer.MIN_VALUE;

    /**
     * Gives the rows of a chunk: one that lists its minute, where that is new, and the chunk's own.
     */
    public void rows(long[] timesUs, Map<String, double[]> channels, HistoryRowOutput out) {
        int minute = (int) Math.floorDiv(timesUs[0], MINUTE_US);
        if (listedMinute != minute) {
            listedMinute = minute;
            out.row(minute * MINUTE_US, MINUTES, minute, 0, new byte[0], Map.of());
        }
        long digest = 17;
        for (long timeUs : timesUs) {
            digest = digest * 31 + timeUs;
        }
        Map<String, byte[]> columns = new LinkedHashMap<>();
        for (Map.Entry<String, double[]> channel : channels.entrySet()) {
            long mixed = (digest ^ (digest >>> 29)) * 0x9E3779B97F4A7C15L;
            digest = mixed + channel.getKey().hashCode();
            columns.put(channel.getKey(), LittleEndian.of(channel.getValue()));
        }
        out.row(timesUs[0], minute, timesUs[0], digest, LittleEndian.of(timesUs), columns);
    }
}
