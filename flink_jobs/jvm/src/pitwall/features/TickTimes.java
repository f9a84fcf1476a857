package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import java.io.IOException;
import java.util.List;

/**
 * When the session's last ticks were, as far back as any window or lag reaches. All series share
 * it: a tick has a number, counted from the session's beginning, and a series knows the numbers of
 * its samples. Times are microseconds since session start.
 */
final class TickTimes {
    /**
     * Most ticks that are looked back on, 600 s at 1,747 Hz. With more, windows and lags that reach
     * beyond them are null.
     */
    static final int MAX_TICKS = 1 << 20;

    /** Says in a state that four bytes follow. */
    private static final byte LONG_CHANGE = Byte.MIN_VALUE;

    /** Before any time of a session. */
    private static final long NEVER = Long.MIN_VALUE / 4;

    private final Reach[] reaches;
    private final long keepUs;

    /**
     * The low 32 bits of each tick's time. No tick here is older than the longest reach, and that
     * is far less than the 35 minutes that 31 bits count.
     */
    private final IntRing times = new IntRing();

    private long newestUs = NEVER;

    /** Time of the last tick that was dropped although a window or lag reaches it. */
    private long droppedUs = NEVER;

    /** Ticks up to here are not known, because an earlier plan did not reach so far. */
    private long unknownUs = NEVER;

    TickTimes(List<Long> lengthsUs) {
        reaches = new Reach[lengthsUs.size()];
        long longestUs = 0;
        for (int i = 0; i < reaches.length; i++) {
            reaches[i] = new Reach(lengthsUs.get(i));
            longestUs = Math.max(longestUs, reaches[i].lengthUs);
        }
        keepUs = longestUs;
    }

    Reach reach(int index) {
        return reaches[index];
    }

    /** Number of the newest tick. */
    long newest() {
        return times.end() - 1;
    }

    /** Time of a tick within the longest reach. */
    long timeUs(long tick) {
        return newestUs - age(tick, newestUs);
    }

    /** Time of a tick within the longest reach after another time of that reach, microseconds. */
    int sinceUs(long tick, long earlierUs) {
        return times.get(tick) - (int) earlierUs;
    }

    private int age(long tick, long nowUs) {
        return (int) nowUs - times.get(tick);
    }

    /** Whether all ticks about as old as the reach are known, under this plan and earlier ones. */
    boolean isKnown(Reach reach) {
        return newestUs - Math.max(droppedUs, unknownUs) >= reach.lengthUs;
    }

    /** Takes in the next tick, and moves every reach. */
    void add(long nowUs) {
        if (nowUs - newestUs >= keepUs) {
            times.clear(times.end());
        } else if (times.end() - times.first() == MAX_TICKS) {
            droppedUs = newestUs - age(times.first(), newestUs);
            times.forget(times.first() + 1);
        }
        times.add((int) nowUs);
        newestUs = nowUs;
        long first = times.end();
        for (Reach reach : reaches) {
            moveOn(reach);
            first = Math.min(first, reach.start);
        }
        times.forget(first);
    }

    private void moveOn(Reach reach) {
        long start = Math.max(reach.start, times.first());
        while (age(start, newestUs) >= reach.lengthUs) {
            start++;
        }
        reach.start = start;
        reach.isWhole = newestUs - droppedUs >= reach.lengthUs;
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return times.bytes() + 32L * reaches.length;
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(keepUs);
        out.writeLong(newestUs);
        out.writeLong(droppedUs);
        out.writeLong(unknownUs);
        out.writeLong(times.first());
        out.writeInt((int) (times.end() - times.first()));
        writeSpacings(out);
    }

    /** Ticks mostly follow one another at one spacing, so what changes in it is short. */
    private void writeSpacings(DataOutputView out) throws IOException {
        int before = 0;
        int spacing = 0;
        for (long tick = times.first(); tick < times.end(); tick++) {
            int change = times.get(tick) - before - spacing;
            if (change > LONG_CHANGE && change <= Byte.MAX_VALUE) {
                out.writeByte(change);
            } else {
                out.writeByte(LONG_CHANGE);
                out.writeInt(change);
            }
            spacing += change;
            before += spacing;
        }
    }

    private void readSpacings(DataInputView in, int count) throws IOException {
        int before = 0;
        int spacing = 0;
        for (int i = 0; i < count; i++) {
            int change = in.readByte();
            spacing += change == LONG_CHANGE ? in.readInt() : change;
            before += spacing;
            times.add(before);
        }
    }

    /** Takes over the state. A reach that is longer than that plan's begins with what was kept. */
    void read(DataInputView in) throws IOException {
        long keptUs = in.readLong();
        newestUs = in.readLong();
        droppedUs = in.readLong();
        unknownUs = in.readLong();
        times.clear(in.readLong());
        readSpacings(in, in.readInt());
        if (keepUs > keptUs && newestUs != NEVER) {
            unknownUs = Math.max(unknownUs, newestUs - keptUs);
        }
        if (times.end() > times.first()) {
            for (Reach reach : reaches) {
                moveOn(reach);
            }
        }
    }
}
