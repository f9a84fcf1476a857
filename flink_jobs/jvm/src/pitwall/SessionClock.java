package pitwall;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Puts the ticks of one session in order. A tick leaves as soon as nothing can come before it:
 *
 * <ul>
 *   <li>it follows the last one by the session's own spacing, and every topic of the session has given its part (where a
 *       topic brings a tick in several messages: and a later tick is here); or
 *   <li>a tick {@link Plan#reorderUs} later is here and all partitions have been read beyond its Kafka time (the
 *       watermark): what comes before the one was sent before the other; or they have been read {@link Plan#idleMs} beyond
 *       its own; or
 *   <li>no message came at all for {@link Plan#idleMs}.
 * </ul>
 *
 * <p>So a session costs no wait while it runs in step, whatever other sessions and partitions do. Only its first tick
 * waits {@link #START_MS}: its topic may be new, and the partitions of a new topic are not all read at once. A tick at or before
 * the last one out is a duplicate when that very tick left with the same channels, else it is late. A session whose
 * first tick comes again after more than {@link #RESTART_US}, and goes on from there, begins anew.
 */
final class SessionClock {
    /** Where ticks go. */
    interface Out {
        void tick(Tick tick) throws IOException;

        void late(Tick tick) throws IOException;

        void duplicate(Tick tick);

        void restart() throws IOException;
    }

    static final long RESTART_US = 1_000_000;
    static final long START_MS = 2000;
    private static final int RESTART_TICKS = 5;
    private static final long RESTART_MS = 1000;
    private static final int RECENT = 1024;
    private static final int SPACINGS = 16;
    private static final int MAX_TOPICS = 31;
    private static final int MAX_PARTITIONS = 1024;
    private static final long BEHIND_MS = 100;
    private static final int MAX_LAYOUTS = 32;

    private final Plan plan;
    private long openedMs = Long.MIN_VALUE;
    private long firstUs = Long.MAX_VALUE;
    long emittedUs = Long.MIN_VALUE;
    private long newestUs = Long.MIN_VALUE;
    private long spacingUs;
    private final long[] spacings = new long[SPACINGS];
    private int spaced;
    private final long[] recent = new long[RECENT];
    private final Layout[] recentLayouts = new Layout[RECENT];

    /** The layouts seen last, the newest first, so that equal ones are the same. */
    private final ArrayDeque<Layout> layouts = new ArrayDeque<>();

    private long emitted;
    private String[] topics = new String[0];
    private long[] topicRecordMs = new long[0];

    /** Partitions the session came through: topic and number, newest Kafka time, when heard (not kept over a restart). */
    private long[] partitions = new long[0];
    private long[] partitionRecordMs = new long[0];
    private long[] partitionHeardMs = new long[0];

    /** Until when (wall clock) the watermark is not believed: a message came that it had passed already. */
    private long behindMs = Long.MIN_VALUE;

    /** Topics that bring one tick in several messages, a bit each. */
    private int splitTopics;

    private final TreeMap<Long, Tick> waiting = new TreeMap<>();
    private final TreeMap<Long, Tick> again = new TreeMap<>();
    private long againMs;

    SessionClock(Plan plan) {
        this.plan = plan;
    }

    /** Take in what one message gave of a tick. */
    void offer(Tick tick, Progress progress, Out out) throws IOException {
        if (openedMs == Long.MIN_VALUE) {
            openedMs = progress.now;
        }
        int topic = topic(tick.topic, tick.recordMs);
        tick.topics = 1 << topic;
        partition((long) topic << 32 | tick.partition, tick.recordMs, progress.now);
        if (tick.recordMs < progress.watermark) {
            behindMs = progress.now + plan.idleMs;
        }
        long timeUs = tick.timeUs;
        if (emittedUs == Long.MIN_VALUE) {
            firstUs = Math.min(firstUs, timeUs);
        } else if (timeUs <= emittedUs) {
            boolean first = timeUs <= firstUs && emittedUs - timeUs > RESTART_US;
            if (again.isEmpty() ? first : timeUs >= again.firstKey() && timeUs <= again.lastKey() + RESTART_US) {
                if (again.isEmpty()) {
                    againMs = progress.now;
                }
                Tick known = again.putIfAbsent(timeUs, tick);
                if (known != null) {
                    merge(known, tick, out);
                }
                if (again.size() >= RESTART_TICKS) {
                    restart(progress, out);
                }
            } else {
                settle(tick, out);
            }
            return;
        } else if (!again.isEmpty()) {
            refute(out);
        }
        newestUs = Math.max(newestUs, timeUs);
        if (waiting.isEmpty() && follows(timeUs) && complete(tick, progress)) {
            emit(tick, out);
            return;
        }
        Tick known = waiting.putIfAbsent(timeUs, tick);
        if (known != null) {
            merge(known, tick, out);
        }
        drain(progress, out);
    }

    /** Let out what need not wait any longer. */
    void advance(Progress progress, Out out) throws IOException {
        drain(progress, out);
        while (!waiting.isEmpty() && silenceMs(progress) <= progress.now) {
            emit(waiting.pollFirstEntry().getValue(), out);
        }
        if (!again.isEmpty() && againDueMs(progress) <= progress.now) {
            restart(progress, out);
        }
    }

    /** Whether no tick waits. */
    boolean isEmpty() {
        return waiting.isEmpty() && again.isEmpty();
    }

    /** When `advance` is due by the wall clock, or Long.MAX_VALUE. */
    long dueMs(Progress progress) {
        long due = waiting.isEmpty() ? Long.MAX_VALUE : begins(progress) ? startMs(progress) : silenceMs(progress);
        if (!waiting.isEmpty() && disbelieved(progress)) {
            due = Math.min(due, progress.now + BEHIND_MS);
        }
        return again.isEmpty() ? due : Math.min(due, againDueMs(progress));
    }

    /**
     * Up to which Kafka time all partitions have been read. The watermark does not fall back when a new topic is read from
     * its beginning, and it jumps when all partitions are silent because Kafka is away; then the partitions the session came
     * through tell, but for those silent for {@link Plan#idleMs} where nothing else is wrong.
     */
    private long readMs(Progress progress) {
        long read = progress.watermark;
        if (disbelieved(progress) && read != Long.MAX_VALUE) {
            for (int i = 0; i < partitions.length; i++) {
                if (progress.unsettled() || progress.now < partitionHeardMs[i] + plan.idleMs) {
                    read = Math.min(read, partitionRecordMs[i]);
                }
            }
        }
        return read;
    }

    private boolean disbelieved(Progress progress) {
        return progress.now < behindMs || progress.unsettled();
    }

    private void partition(long key, long recordMs, long now) {
        int i = 0;
        while (i < partitions.length && partitions[i] != key) {
            i++;
        }
        if (i == partitions.length) {
            if (i == MAX_PARTITIONS) {
                return;
            }
            partitions = Arrays.copyOf(partitions, i + 1);
            partitionRecordMs = Arrays.copyOf(partitionRecordMs, i + 1);
            partitionHeardMs = Arrays.copyOf(partitionHeardMs, i + 1);
            partitions[i] = key;
        }
        partitionRecordMs[i] = Math.max(partitionRecordMs[i], recordMs);
        partitionHeardMs[i] = now;
    }

    /** Which watermark would let out the first tick in waiting, or Long.MAX_VALUE. */
    long dueWatermark() {
        if (waiting.isEmpty()) {
            return Long.MAX_VALUE;
        }
        Tick head = waiting.firstEntry().getValue();
        Map.Entry<Long, Tick> later = newestUs - head.timeUs < plan.reorderUs ? null : waiting.ceilingEntry(head.timeUs + plan.reorderUs);
        return later == null ? head.recordMs + 1 + plan.idleMs : Math.max(head.recordMs, later.getValue().recordMs) + 1;
    }

    /** Whether the session is so new that partitions of its topic may be unknown. */
    private boolean begins(Progress progress) {
        return emittedUs == Long.MIN_VALUE && progress.now < startMs(progress) && progress.watermark != Long.MAX_VALUE;
    }

    private long startMs(Progress progress) {
        return openedMs + (progress.now < behindMs ? 2 : 1) * START_MS;
    }

    /** When no message will have come for long enough. */
    private long silenceMs(Progress progress) {
        long due = Math.max(progress.inputMs, progress.heldUpMs) + plan.idleMs;
        return progress.unsettled() ? Math.max(due, progress.settledMs) : due;
    }

    private long againDueMs(Progress progress) {
        return Math.max(againMs, progress.heldUpMs) + RESTART_MS;
    }

    private void drain(Progress progress, Out out) throws IOException {
        if (begins(progress)) {
            return;
        }
        long read = waiting.isEmpty() ? 0 : readMs(progress);
        while (!waiting.isEmpty()) {
            Tick head = waiting.firstEntry().getValue();
            if (read < dueWatermark() && !(follows(head.timeUs) && complete(head, progress))) {
                return;
            }
            waiting.pollFirstEntry();
            emit(head, out);
        }
    }

    private boolean follows(long timeUs) {
        return spacingUs > 0 && timeUs - emittedUs <= spacingUs + spacingUs / 2;
    }

    private boolean complete(Tick tick, Progress progress) {
        if ((tick.topics & splitTopics) != 0 && newestUs <= tick.timeUs) {
            return false;
        }
        if (topics.length == 1) {
            return true;
        }
        for (int i = 0; i < topics.length; i++) {
            if ((tick.topics & 1 << i) == 0 && !silent(i, progress)) {
                return false;
            }
        }
        return true;
    }

    /** Whether a topic of the session has given nothing for {@link Plan#idleMs}, of what has been read. */
    private boolean silent(int topic, Progress progress) {
        return progress.watermark >= topicRecordMs[topic] + plan.idleMs && !progress.unsettled()
                || progress.now >= silenceMs(progress);
    }

    private int topic(String name, long recordMs) {
        for (int i = 0; i < topics.length; i++) {
            if (topics[i].equals(name)) {
                topicRecordMs[i] = Math.max(topicRecordMs[i], recordMs);
                return i;
            }
        }
        if (topics.length == MAX_TOPICS) {
            return MAX_TOPICS;
        }
        topics = Arrays.copyOf(topics, topics.length + 1);
        topicRecordMs = Arrays.copyOf(topicRecordMs, topics.length);
        topics[topics.length - 1] = name;
        topicRecordMs[topics.length - 1] = recordMs;
        return topics.length - 1;
    }

    private void merge(Tick known, Tick more, Out out) throws IOException {
        if (Layout.of(known).covers(more, plan.channels.size())) {
            out.duplicate(more);
            return;
        }
        if ((known.samples.length + more.samples.length) / Samples.SIZE > CarReader.MAX_CHANNELS) {
            out.late(more);
            return;
        }
        splitTopics |= known.topics & more.topics;
        known.add(more, plan.channels.size());
    }

    private void emit(Tick tick, Out out) throws IOException {
        if (emittedUs != Long.MIN_VALUE) {
            space(tick.timeUs - emittedUs);
        }
        emittedUs = tick.timeUs;
        int at = (int) (emitted++ & (RECENT - 1));
        recent[at] = tick.timeUs;
        recentLayouts[at] = layout(tick);
        out.tick(tick);
    }

    private Layout layout(Tick tick) {
        for (Layout layout : layouts) {
            if (layout.fits(tick)) {
                return layout;
            }
        }
        Layout layout = Layout.of(tick);
        layouts.addFirst(layout);
        if (layouts.size() > MAX_LAYOUTS) {
            layouts.removeLast();
        }
        return layout;
    }

    /** The spacing is the smallest of the last few. */
    private void space(long us) {
        long gone = spacings[spaced & (SPACINGS - 1)];
        spacings[spaced++ & (SPACINGS - 1)] = us;
        if (spacingUs == 0 || us <= spacingUs) {
            spacingUs = us;
        } else if (gone == spacingUs) {
            spacingUs = us;
            for (long spacing : spacings) {
                if (spacing > 0) {
                    spacingUs = Math.min(spacingUs, spacing);
                }
            }
        }
    }

    private void settle(Tick tick, Out out) throws IOException {
        long from = Math.max(0, emitted - RECENT);
        long low = from;
        long high = emitted;
        while (low < high) {
            long middle = (low + high) >>> 1;
            if (recent[(int) (middle & (RECENT - 1))] < tick.timeUs) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        int at = (int) (low & (RECENT - 1));
        if (low < emitted && recent[at] == tick.timeUs) {
            if (recentLayouts[at].covers(tick, plan.channels.size())) {
                out.duplicate(tick);
                return;
            }
            splitTopics |= tick.topics;
        } else if (low > from && low < emitted) {
            space(Math.max(1, tick.timeUs - recent[(int) ((low - 1) & (RECENT - 1))]));
        }
        out.late(tick);
    }

    private void refute(Out out) throws IOException {
        for (Tick tick : again.values()) {
            settle(tick, out);
        }
        again.clear();
    }

    private void restart(Progress progress, Out out) throws IOException {
        while (!waiting.isEmpty()) {
            emit(waiting.pollFirstEntry().getValue(), out);
        }
        out.restart();
        emittedUs = newestUs = Long.MIN_VALUE;
        firstUs = again.firstKey();
        emitted = 0;
        spacingUs = spaced = 0;
        Arrays.fill(spacings, 0);
        Iterator<Map.Entry<Long, Tick>> ticks = again.entrySet().iterator();
        while (ticks.hasNext()) {
            Tick tick = ticks.next().getValue();
            ticks.remove();
            waiting.put(tick.timeUs, tick);
            newestUs = Math.max(newestUs, tick.timeUs);
        }
        drain(progress, out);
    }

    /** The ticks that wait keep their channels where these are numbered otherwise. */
    void recode(List<String> from, List<String> to) {
        waiting.values().forEach(tick -> tick.recode(from, to));
        again.values().forEach(tick -> tick.recode(from, to));
    }

    void write(DataOutputView out) throws IOException {
        for (long value : new long[] {openedMs, firstUs, emittedUs, newestUs, spacingUs, spaced, emitted, againMs, splitTopics}) {
            out.writeLong(value);
        }
        Bytes.write(out, spacings);
        int kept = (int) Math.min(emitted, RECENT);
        Bytes.write(out, Arrays.copyOf(recent, kept));
        Map<Layout, Integer> numbers = new IdentityHashMap<>();
        List<Layout> distinct = new ArrayList<>();
        for (int i = 0; i < kept; i++) {
            if (numbers.putIfAbsent(recentLayouts[i], distinct.size()) == null) {
                distinct.add(recentLayouts[i]);
            }
        }
        out.writeInt(distinct.size());
        for (Layout layout : distinct) {
            layout.write(out);
        }
        for (int i = 0; i < kept; i++) {
            out.writeShort(numbers.get(recentLayouts[i]));
        }
        out.writeInt(topics.length);
        for (int i = 0; i < topics.length; i++) {
            Text.write(out, topics[i]);
            out.writeLong(topicRecordMs[i]);
        }
        Bytes.write(out, partitions);
        Bytes.write(out, partitionRecordMs);
        for (TreeMap<Long, Tick> ticks : List.of(waiting, again)) {
            out.writeInt(ticks.size());
            for (Tick tick : ticks.values()) {
                tick.write(out);
            }
        }
    }

    void read(DataInputView in) throws IOException {
        openedMs = in.readLong();
        firstUs = in.readLong();
        emittedUs = in.readLong();
        newestUs = in.readLong();
        spacingUs = in.readLong();
        spaced = (int) in.readLong();
        emitted = in.readLong();
        againMs = in.readLong();
        splitTopics = (int) in.readLong();
        for (long[] kept : new long[][] {spacings, recent}) {
            long[] was = Bytes.longs(in);
            System.arraycopy(was, 0, kept, 0, was.length);
        }
        Layout[] distinct = new Layout[in.readInt()];
        for (int i = 0; i < distinct.length; i++) {
            distinct[i] = Layout.read(in);
        }
        for (int i = 0; i < Math.min(emitted, RECENT); i++) {
            recentLayouts[i] = distinct[in.readShort()];
        }
        for (int i = 0; i < Math.min(distinct.length, MAX_LAYOUTS); i++) {
            layouts.add(distinct[i]);
        }
        topics = new String[in.readInt()];
        topicRecordMs = new long[topics.length];
        for (int i = 0; i < topics.length; i++) {
            topics[i] = Text.read(in);
            topicRecordMs[i] = in.readLong();
        }
        partitions = Bytes.longs(in);
        partitionRecordMs = Bytes.longs(in);
        partitionHeardMs = new long[partitions.length];
        for (TreeMap<Long, Tick> ticks : List.of(waiting, again)) {
            for (int i = in.readInt(); i > 0; i--) {
                Tick tick = Tick.read(in);
                ticks.put(tick.timeUs, tick);
            }
        }
    }
}
