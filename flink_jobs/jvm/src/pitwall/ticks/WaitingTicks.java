package pitwall.ticks;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.wire.CarReader;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Ticks that wait, in order of their times. The parts of one tick are joined here. */
public class WaitingTicks {
    /** What became of a tick that was put among the others. */
    public enum Put {
        /** It waits, alone or joined with an earlier part of the same tick. */
        WAITS,
        /** The same tick waits already, with all of its channels. */
        DUPLICATE,
        /** The tick that waits would have more channels than a message may have. */
        TOO_LARGE
    }

    private final TreeMap<Long, Tick> ticks = new TreeMap<>();
    private long bytes;

    /** Topics that brought one tick in several messages, one bit each. */
    private int splitTopics;

    /** Adds a tick or a part of one. {@code known}: number of the plan's channels. */
    public Put put(Tick tick, int known) {
        Tick earlierPart = ticks.putIfAbsent(tick.timeUs, tick);
        if (earlierPart == null) {
            bytes += tick.bytes();
            return Put.WAITS;
        }
        if (ChannelLayout.of(earlierPart).covers(tick, known)) {
            return Put.DUPLICATE;
        }
        if (earlierPart.sampleCount() + tick.sampleCount() > CarReader.MAX_CHANNELS) {
            return Put.TOO_LARGE;
        }
        splitTopics |= earlierPart.topics & tick.topics;
        bytes -= earlierPart.bytes();
        earlierPart.add(tick, known);
        bytes += earlierPart.bytes();
        return Put.WAITS;
    }

    public boolean isEmpty() {
        return ticks.isEmpty();
    }

    public int size() {
        return ticks.size();
    }

    /** The earliest tick. There must be one. */
    public Tick first() {
        return ticks.firstEntry().getValue();
    }

    /** The latest tick. There must be one. */
    public Tick last() {
        return ticks.lastEntry().getValue();
    }

    /** The earliest tick at or after this time, microseconds since session start; or null. */
    public Tick from(long timeUs) {
        Map.Entry<Long, Tick> entry = ticks.ceilingEntry(timeUs);
        return entry == null ? null : entry.getValue();
    }

    /** Takes the earliest tick away. There must be one. */
    public Tick poll() {
        Tick tick = ticks.pollFirstEntry().getValue();
        bytes -= tick.bytes();
        return tick;
    }

    /** Takes away the ticks that were sent before this Kafka time, milliseconds. */
    public List<Tick> takeSentBefore(long ms) {
        List<Tick> taken = new ArrayList<>();
        for (Tick tick : ticks.values()) {
            if (tick.recordMs < ms) {
                taken.add(tick);
                bytes -= tick.bytes();
            }
        }
        ticks.values().removeIf(tick -> tick.recordMs < ms);
        return taken;
    }

    /** The ticks in order of their times. */
    public Collection<Tick> all() {
        return ticks.values();
    }

    public int splitTopics() {
        return splitTopics;
    }

    /** Bytes that the ticks take on the heap, roughly. */
    public long bytes() {
        return bytes;
    }

    /** As {@link Tick#recode}. */
    public void recode(List<String> from, List<String> to) {
        ticks.values().forEach(tick -> tick.recode(from, to));
    }

    public void write(DataOutputView out) throws IOException {
        out.writeInt(splitTopics);
        out.writeInt(ticks.size());
        for (Tick tick : ticks.values()) {
            tick.write(out);
        }
    }

    /** Takes over what {@link #write} wrote. The object must be new. */
    public void read(DataInputView in) throws IOException {
        splitTopics = in.readInt();
        for (int i = in.readInt(); i > 0; i--) {
            Tick tick = Tick.read(in);
            ticks.put(tick.timeUs, tick);
            bytes += tick.bytes();
        }
    }
}
