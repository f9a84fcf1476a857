package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.plan.SeriesKind;
import pitwall.plan.SeriesSpec;

import java.io.IOException;

/**
 * Samples over session time, oldest first, as far back as a window or lag reaches, and the newest
 * one before that. Indices count from the session's beginning and are never used again.
 *
 * <p>A channel that comes with every tick costs 8 bytes a sample: the number of a sample's tick is
 * its index and an offset. Where ticks without a sample lie between, the numbers are kept, 4 bytes
 * each.
 */
final class Series {
    /** A tick further back than this is as good as any other before every reach. */
    private static final int FAR_BACK = 1 << 30;

    final SeriesKind kind;

    /** Index of the channel in the plan, -1 for a series of the session. */
    final int channel;

    private final TickTimes times;
    private final Reach reach;
    private final DoubleRing values = new DoubleRing();

    /** Tick number minus index, of every sample while there is no {@link #ticks}. */
    private long offset;

    /** The low 32 bits of each sample's tick number, or null. */
    private IntRing ticks;

    private long lastUnusual = -1;

    Series(SeriesSpec spec, TickTimes times) {
        kind = spec.kind();
        channel = spec.channel();
        this.times = times;
        reach = spec.reach() < 0 ? null : times.reach(spec.reach());
    }

    /** Index of the oldest sample. */
    long first() {
        return values.first();
    }

    /** Index after the newest sample. */
    long end() {
        return values.end();
    }

    /** Index of the newest sample that is not ordinary ({@link Magnitude#isOrdinary}), or -1. */
    long lastUnusual() {
        return lastUnusual;
    }

    double value(long i) {
        return values.get(i);
    }

    /** Time of a sample within the longest reach, microseconds since session start. */
    long timeUs(long i) {
        return times.timeUs(tick(i));
    }

    /** Seconds from a time to that of a sample, both within the longest reach; any sign. */
    double secondsSince(long i, long earlierUs) {
        return times.sinceUs(tick(i), earlierUs) * 1e-6;
    }

    private long tick(long i) {
        return ticks == null ? i + offset : times.newest() - age(i);
    }

    /** How many ticks ago the sample came; only where the numbers of the ticks are kept. */
    private int age(long i) {
        return (int) times.newest() - ticks.get(i);
    }

    /** Adds a sample of the newest tick. */
    void add(double value) {
        long tick = times.newest();
        long i = end();
        if (i == first()) {
            offset = tick - i;
        } else if (ticks == null && tick - i != offset) {
            ticks = new IntRing();
            ticks.clear(first());
            for (long k = first(); k < i; k++) {
                ticks.add((int) Math.max(k + offset, tick - FAR_BACK));
            }
        }
        if (!Magnitude.isOrdinary(value)) {
            lastUnusual = i;
        }
        values.add(value);
        if (ticks != null) {
            ticks.add((int) tick);
        }
    }

    /**
     * Index of the first sample within a reach, or {@link #end} where there is none. {@code from}:
     * an index at or before it, such as the result for an earlier tick.
     */
    long firstWithin(Reach reach, long from) {
        if (ticks == null) {
            return Math.min(end(), Math.max(first(), reach.start - offset));
        }
        int youngest = (int) (times.newest() - reach.start);
        long i = Math.max(from, first());
        while (i < end() && age(i) > youngest) {
            i++;
        }
        return i;
    }

    /** Forgets what no feature needs any more: the samples before the last one out of reach. */
    void forget() {
        long needed = firstWithin(reach, first()) - 1;
        if (needed > first()) {
            values.forget(needed);
        }
        if (ticks != null) {
            forgetTicks();
        }
    }

    private void forgetTicks() {
        long oldest = first();
        long newest = end() - 1;
        ticks.forget(oldest);
        if (age(oldest) - age(newest) == newest - oldest) {
            offset = tick(oldest) - oldest;
            ticks = null;
        } else if (age(oldest) > FAR_BACK) {
            ticks.set(oldest, (int) times.newest() - FAR_BACK);
        }
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return 120 + values.bytes() + (ticks == null ? 0 : 40 + ticks.bytes());
    }

    void write(DataOutputView out) throws IOException {
        values.write(out);
        out.writeLong(offset);
        out.writeBoolean(ticks != null);
        if (ticks != null) {
            ticks.write(out);
        }
    }

    void read(DataInputView in) throws IOException {
        values.read(in);
        offset = in.readLong();
        ticks = null;
        if (in.readBoolean()) {
            ticks = new IntRing();
            ticks.read(in);
        }
        for (long i = first(); i < end(); i++) {
            if (!Magnitude.isOrdinary(value(i))) {
                lastUnusual = i;
            }
        }
    }
}
