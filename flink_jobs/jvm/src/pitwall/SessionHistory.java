package pitwall;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Every channel of a session as it came, gathered into chunks of one second of session time; less where it would be large. */
final class SessionHistory {
    /** Takes a full chunk: times in microseconds since session start, and by channel a value a time, NaN where none. */
    interface Out {
        void chunk(long[] timesUs, Map<String, double[]> channels);
    }

    /** Takes a row of the table telemetry_history, and its event time in microseconds since session start. */
    interface Rows {
        void row(long timeUs, int bucket, long startUs, long digest, byte[] timesUs, Map<String, byte[]> channels);
    }

    /** After how long a chunk leaves though its second is not over, wall clock. */
    static final long WAIT_MS = 2000;

    private static final long CHUNK_US = 1_000_000;
    private static final long MINUTE_US = 60_000_000;

    /** The bucket that lists the minutes of a session. */
    private static final int MINUTES = Integer.MIN_VALUE;

    private static final int MAX_TICKS = 1024;

    /** Bytes of a chunk of several ticks. One tick alone stays below Cassandra's 8 MiB by the reader's limits. */
    private static final long MAX_BYTES = 1 << 20;

    private final Plan plan;
    private final Map<String, double[]> columns = new LinkedHashMap<>();
    private double[][] known;
    private long[] times = new long[64];
    private int ticks;
    private long namesBytes;
    long openedMs;

    /** The minute listed last; not part of the state, for twice is as good as once. */
    private int minute = Integer.MIN_VALUE;

    SessionHistory(Plan plan) {
        this.plan = plan;
        known = new double[plan.channels.size()][];
    }

    /** A tick in order. {@code values} and {@code sent} are the plan's channels. */
    void add(Tick tick, double[] values, boolean[] sent, long now, Out out) {
        if (ticks > 0
                && (Math.floorDiv(times[0], CHUNK_US) != Math.floorDiv(tick.timeUs, CHUNK_US)
                        || ticks == MAX_TICKS
                        || bytesWith(tick) > MAX_BYTES)) {
            flush(out);
        }
        if (ticks == 0) {
            openedMs = now;
        }
        if (ticks == times.length) {
            times = Arrays.copyOf(times, ticks * 2);
        }
        times[ticks++] = tick.timeUs;
        for (int c = 0; c < values.length; c++) {
            if (sent[c]) {
                double[] column = known[c];
                if (column == null || column.length < ticks) {
                    column = known[c] = column(plan.channels.get(c).id());
                }
                column[ticks - 1] = values[c];
            }
        }
        if (tick.extras != null) {
            String[] names = tick.extras.split("\n");
            for (int at = 0; at < tick.samples.length; at += Samples.SIZE) {
                int code = Samples.code(tick.samples, at) - values.length;
                if (code >= 0 && code < names.length) {
                    column(names[code])[ticks - 1] = Samples.value(tick.samples, at);
                }
            }
        }
    }

    /** Bytes of the chunk with this tick in it, at most. */
    private long bytesWith(Tick tick) {
        long names = namesBytes + (tick.extras == null ? 0 : 3L * tick.extras.length());
        return names + (columns.size() + tick.samples.length / Samples.SIZE) * (16 + 8L * (ticks + 1));
    }

    private double[] column(String channel) {
        double[] column = columns.get(channel);
        if (column == null || column.length < ticks) {
            int before = column == null ? 0 : column.length;
            namesBytes += column == null ? 3L * channel.length() : 0;
            column = column == null ? new double[times.length] : Arrays.copyOf(column, times.length);
            Arrays.fill(column, before, column.length, Double.NaN);
            columns.put(channel, column);
        }
        return column;
    }

    /** Gives what was gathered and begins afresh. */
    void flush(Out out) {
        if (ticks == 0) {
            return;
        }
        Map<String, double[]> channels = new TreeMap<>();
        columns.forEach((channel, column) -> {
            double[] whole = Arrays.copyOf(column, ticks);
            if (column.length < ticks) {
                Arrays.fill(whole, column.length, ticks, Double.NaN);
            }
            channels.put(channel, whole);
        });
        out.chunk(Arrays.copyOf(times, ticks), channels);
        ticks = 0;
        namesBytes = 0;
        columns.clear();
        Arrays.fill(known, null);
    }

    /** The rows of a chunk: its minute, where that is new, and the chunk itself. */
    void rows(long[] timesUs, Map<String, double[]> channels, Rows out) {
        int at = (int) Math.floorDiv(timesUs[0], MINUTE_US);
        if (minute != at) {
            minute = at;
            out.row(at * MINUTE_US, MINUTES, at, 0, new byte[0], Map.of());
        }
        long digest = 17;
        for (long timeUs : timesUs) {
            digest = digest * 31 + timeUs;
        }
        Map<String, byte[]> columns = new LinkedHashMap<>();
        for (Map.Entry<String, double[]> channel : channels.entrySet()) {
            digest = (digest ^ (digest >>> 29)) * 0x9E3779B97F4A7C15L + channel.getKey().hashCode();
            columns.put(channel.getKey(), Bytes.of(channel.getValue()));
        }
        out.row(timesUs[0], at, timesUs[0], digest, Bytes.of(timesUs), columns);
    }

    boolean isEmpty() {
        return ticks == 0;
    }

    /** Whether the chunk need not wait for the end of its second any longer; {@code heardMs}: when the last tick came. */
    boolean isDue(long now, long heardMs) {
        return ticks > 0 && openedMs + WAIT_MS <= now && heardMs + WAIT_MS / 2 <= now;
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(openedMs);
        Bytes.write(out, Arrays.copyOf(times, ticks));
        out.writeInt(columns.size());
        for (Map.Entry<String, double[]> entry : columns.entrySet()) {
            Text.write(out, entry.getKey());
            double[] column = Arrays.copyOf(entry.getValue(), ticks);
            Arrays.fill(column, Math.min(ticks, entry.getValue().length), ticks, Double.NaN);
            Bytes.write(out, column);
        }
    }

    void read(DataInputView in) throws IOException {
        openedMs = in.readLong();
        times = Bytes.longs(in);
        ticks = times.length;
        times = Arrays.copyOf(times, Math.max(64, ticks));
        for (int i = in.readInt(); i > 0; i--) {
            String channel = Text.read(in);
            double[] column = Arrays.copyOf(Bytes.doubles(in), times.length);
            Arrays.fill(column, ticks, column.length, Double.NaN);
            columns.put(channel, column);
            namesBytes += 3L * channel.length();
        }
        for (int c = 0; c < known.length; c++) {
            known[c] = columns.get(plan.channels.get(c).id());
        }
    }
}
