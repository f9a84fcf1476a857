package pitwall.clock;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** The ticks that left last, their times and channels: a tick that comes again is found here. */
final class RecentTicks {
    private static final int KEPT = 1024;
    private static final int MAX_LAYOUTS = 32;

    private final long[] timesUs = new long[KEPT];
    private final ChannelLayout[] layouts = new ChannelLayout[KEPT];

    /** The layouts seen last, the newest first, so that equal layouts are one object. */
    private final ArrayDeque<ChannelLayout> sharedLayouts = new ArrayDeque<>();

    /** Number of ticks that left. A tick's number is its position in this order. */
    private long count;

    void add(Tick tick) {
        int at = (int) (count++ & (KEPT - 1));
        timesUs[at] = tick.timeUs;
        layouts[at] = layout(tick);
    }

    private ChannelLayout layout(Tick tick) {
        for (ChannelLayout layout : sharedLayouts) {
            if (layout.fits(tick)) {
                return layout;
            }
        }
        ChannelLayout layout = ChannelLayout.of(tick);
        sharedLayouts.addFirst(layout);
        if (sharedLayouts.size() > MAX_LAYOUTS) {
            sharedLayouts.removeLast();
        }
        return layout;
    }

    /** Number of the first kept tick at or after this time. */
    long find(long timeUs) {
        long low = firstKept();
        long high = count;
        while (low < high) {
            long middle = (low + high) >>> 1;
            if (timesUs[(int) (middle & (KEPT - 1))] < timeUs) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Whether the tick of this number, as {@link #find} gives it, has exactly this time. */
    boolean isAt(long number, long timeUs) {
        return number < count && timesUs[(int) (number & (KEPT - 1))] == timeUs;
    }

    /** Whether the tick of this number lies between two kept ones. */
    boolean isInside(long number) {
        return number > firstKept() && number < count;
    }

    /** Time of the tick before the one of this number. */
    long timeBefore(long number) {
        return timesUs[(int) ((number - 1) & (KEPT - 1))];
    }

    ChannelLayout layout(long number) {
        return layouts[(int) (number & (KEPT - 1))];
    }

    private long firstKept() {
        return Math.max(0, count - KEPT);
    }

    void clear() {
        count = 0;
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(count);
        int kept = (int) Math.min(count, KEPT);
        StateBytes.writeLongs(out, Arrays.copyOf(timesUs, kept));
        Map<ChannelLayout, Integer> indexes = new IdentityHashMap<>();
        List<ChannelLayout> distinct = new ArrayList<>();
        for (int i = 0; i < kept; i++) {
            if (indexes.putIfAbsent(layouts[i], distinct.size()) == null) {
                distinct.add(layouts[i]);
            }
        }
        out.writeInt(distinct.size());
        for (ChannelLayout layout : distinct) {
            layout.write(out);
        }
        for (int i = 0; i < kept; i++) {
            out.writeShort(indexes.get(layouts[i]));
        }
    }

    void read(DataInputView in) throws IOException {
        count = in.readLong();
        long[] kept = StateBytes.readLongs(in);
        System.arraycopy(kept, 0, timesUs, 0, kept.length);
        ChannelLayout[] distinct = new ChannelLayout[in.readInt()];
        for (int i = 0; i < distinct.length; i++) {
            distinct[i] = ChannelLayout.read(in);
        }
        for (int i = 0; i < kept.length; i++) {
            layouts[i] = distinct[in.readShort()];
        }
        for (int i = 0; i < Math.min(distinct.length, MAX_LAYOUTS); i++) {
            sharedLayouts.add(distinct[i]);
        }
    }
}
