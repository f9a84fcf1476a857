package pitwall.ticks;

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

/**
 * The ticks that left last, and the first one of all: their times and channels. A tick that comes
 * again is found here.
 */
public final class RecentTicks {
    private static final int KEPT = 1024;
    private static final int MIN_CAPACITY = 16;
    private static final int MAX_LAYOUTS = 32;

    /** Rings of the same size, a power of two; they grow up to {@link #KEPT}. */
    private long[] timesUs = new long[MIN_CAPACITY];

    private ChannelLayout[] layouts = new ChannelLayout[MIN_CAPACITY];

    private long firstUs = Long.MAX_VALUE;
    private ChannelLayout firstLayout;

    /** The layouts seen last, the newest first, so that equal layouts are one object. */
    private final ArrayDeque<ChannelLayout> sharedLayouts = new ArrayDeque<>(4);

    /** Number of ticks that left. A tick's number is its position in this order. */
    private long count;

    public void add(Tick tick) {
        if (count == timesUs.length && count < KEPT) {
            timesUs = Arrays.copyOf(timesUs, timesUs.length * 2);
            layouts = Arrays.copyOf(layouts, timesUs.length);
        }
        int at = at(count++);
        timesUs[at] = tick.timeUs;
        layouts[at] = layout(tick);
        if (firstLayout == null) {
            firstUs = tick.timeUs;
            firstLayout = layouts[at];
        }
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

    /** Time of the first tick of all, microseconds since session start. */
    public long firstUs() {
        return firstUs;
    }

    /** The channels of the tick that left with exactly this time; null if none is remembered. */
    public ChannelLayout layoutAt(long timeUs) {
        long number = find(timeUs);
        if (number < count && timesUs[at(number)] == timeUs) {
            return layouts[at(number)];
        }
        return timeUs == firstUs ? firstLayout : null;
    }

    /**
     * Time from the remembered tick before this time to it, microseconds; 0 where the time does not
     * lie between two remembered ticks.
     */
    public long spacingUs(long timeUs) {
        long number = find(timeUs);
        return number > firstKept() && number < count ? timeUs - timesUs[at(number - 1)] : 0;
    }

    /** Number of the first kept tick at or after this time. */
    private long find(long timeUs) {
        long low = firstKept();
        long high = count;
        while (low < high) {
            long middle = (low + high) >>> 1;
            if (timesUs[at(middle)] < timeUs) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private int at(long number) {
        return (int) (number & (timesUs.length - 1));
    }

    private long firstKept() {
        return Math.max(0, count - timesUs.length);
    }

    /** Forgets the ticks, but not the first one of all. */
    public void forget() {
        count = 0;
        timesUs = new long[MIN_CAPACITY];
        layouts = new ChannelLayout[MIN_CAPACITY];
        sharedLayouts.clear();
    }

    /** Forgets all ticks. */
    public void clear() {
        forget();
        firstUs = Long.MAX_VALUE;
        firstLayout = null;
    }

    /** As {@link Tick#recode}. */
    public void recode(List<String> from, List<String> to) {
        Map<ChannelLayout, ChannelLayout> recoded = new IdentityHashMap<>();
        for (int i = 0; i < layouts.length; i++) {
            if (layouts[i] != null) {
                layouts[i] = recoded.computeIfAbsent(layouts[i], l -> l.recoded(from, to));
            }
        }
        if (firstLayout != null) {
            firstLayout = recoded.computeIfAbsent(firstLayout, l -> l.recoded(from, to));
        }
        List<ChannelLayout> shared = new ArrayList<>(sharedLayouts);
        sharedLayouts.clear();
        for (ChannelLayout layout : shared) {
            sharedLayouts.add(recoded.computeIfAbsent(layout, l -> l.recoded(from, to)));
        }
    }

    /** Bytes that it takes on the heap, roughly. */
    public long bytes() {
        long bytes = 128 + 12L * timesUs.length;
        for (ChannelLayout layout : sharedLayouts) {
            bytes += layout.bytes();
        }
        return bytes;
    }

    public void write(DataOutputView out) throws IOException {
        out.writeLong(count);
        int kept = (int) Math.min(count, timesUs.length);
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
        out.writeLong(firstUs);
        out.writeBoolean(firstLayout != null);
        if (firstLayout != null) {
            firstLayout.write(out);
        }
    }

    public void read(DataInputView in) throws IOException {
        count = in.readLong();
        long[] kept = StateBytes.readLongs(in);
        int capacity = MIN_CAPACITY;
        while (capacity < kept.length) {
            capacity *= 2;
        }
        timesUs = Arrays.copyOf(kept, capacity);
        layouts = new ChannelLayout[capacity];
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
        firstUs = in.readLong();
        firstLayout = in.readBoolean() ? ChannelLayout.read(in) : null;
    }
}
