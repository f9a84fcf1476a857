package pitwall.clock;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.plan.Plan;
import pitwall.wire.CarReader;

import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Puts the ticks of one session in order. A tick leaves as soon as no tick can come before it,
 * which is the case when
 *
 * <ul>
 *   <li>it follows the last one by the session's own spacing and every topic of the session has
 *       brought its part (where one topic brings a tick in several messages: when also a later tick
 *       is here); or
 *   <li>a tick that is {@link Plan#reorderUs} later is here, and all partitions have been read
 *       beyond the Kafka time of both (the watermark): a tick before the first was sent before the
 *       second; or
 *   <li>the partitions have been read {@link Plan#idleMs} beyond its own Kafka time; or
 *   <li>no message of any session came for {@link Plan#idleMs}.
 * </ul>
 *
 * <p>So a session that runs in step does not wait, whatever other sessions and partitions do. Only
 * its first tick waits {@link #START_MS}: its topic may be new, and the partitions of a new topic
 * are not all read from the same moment on.
 *
 * <p>A tick at or before the last one that left is a duplicate when that very tick left with the
 * same channels, otherwise it is late. A session whose first tick comes again more than {@link
 * #RESTART_US} back is a replay candidate: when its next ticks come again too, or nothing more
 * comes, the session begins anew.
 *
 * <p>No method blocks. An IOException comes from the output.
 */
public final class SessionClock {
    private static final long NONE = Long.MIN_VALUE;

    /** A tick less far back than this cannot begin a replay. */
    static final long RESTART_US = 1_000_000;

    /** How long the first tick of a session waits, wall clock. */
    static final long START_MS = 2000;

    /** So many replay candidates are a replay: the session begins anew. */
    private static final int RESTART_TICKS = 5;

    /** Fewer candidates are one when no later tick of the session came for so long. */
    private static final long RESTART_MS = 1000;

    /** How often the partitions are looked at while the watermark is not relied upon. */
    private static final long RECHECK_MS = 100;

    private final Plan plan;

    /** Wall clock when the session's first tick came, milliseconds. */
    private long openedMs = NONE;

    /** Smallest time of the session's first ticks, microseconds since session start. */
    private long firstUs = Long.MAX_VALUE;

    /** Time of the last tick that left, and of the newest one that came. */
    private long emittedUs = NONE;

    private long newestUs = NONE;
    private final TickSpacing spacing = new TickSpacing();
    private final RecentTicks recent = new RecentTicks();
    private final TickSources sources = new TickSources();

    /**
     * Until this wall clock time the watermark is not relied upon, because a message came that it
     * had passed already. Not part of the state.
     */
    private long behindMs = NONE;

    /** Topics that bring one tick in several messages, one bit each. */
    private int splitTopics;

    /** Ticks that have not left, by time. */
    private final TreeMap<Long, Tick> waiting = new TreeMap<>();

    /** Ticks of what may be a replay of the session from its beginning, by time. */
    private final TreeMap<Long, Tick> replayCandidates = new TreeMap<>();

    /** Wall clock when the first replay candidate came, milliseconds. */
    private long replayMs;

    public SessionClock(Plan plan) {
        this.plan = plan;
    }

    /** Time of the last tick that left, microseconds since session start. */
    public long emittedUs() {
        return emittedUs;
    }

    /** Takes one message's part of a tick, and lets out every tick that need not wait. */
    public void offer(Tick tick, Progress progress, ClockOutput out) throws IOException {
        if (openedMs == NONE) {
            openedMs = progress.now;
        }
        tick.topics = 1 << sources.note(tick, progress.now);
        if (tick.recordMs < progress.watermark) {
            behindMs = progress.now + plan.idleMs;
        }
        long timeUs = tick.timeUs;
        if (emittedUs == NONE) {
            firstUs = Math.min(firstUs, timeUs);
        } else if (timeUs <= emittedUs) {
            if (isReplayCandidate(timeUs)) {
                addReplayCandidate(tick, progress, out);
            } else {
                rejectTick(tick, out);
            }
            return;
        } else if (!replayCandidates.isEmpty()) {
            rejectReplay(out);
        }
        newestUs = Math.max(newestUs, timeUs);
        if (waiting.isEmpty() && isNext(timeUs) && isComplete(tick, progress)) {
            emit(tick, out);
            return;
        }
        Tick earlierPart = waiting.putIfAbsent(timeUs, tick);
        if (earlierPart != null) {
            merge(earlierPart, tick, out);
        }
        drain(progress, out);
    }

    /** Lets out every tick that need not wait any longer, without a new message. */
    public void advance(Progress progress, ClockOutput out) throws IOException {
        drain(progress, out);
        while (!waiting.isEmpty() && silenceMs(progress) <= progress.now) {
            emit(waiting.pollFirstEntry().getValue(), out);
        }
        if (!replayCandidates.isEmpty() && replayDueMs(progress) <= progress.now) {
            restart(progress, out);
        }
    }

    /** Whether no tick waits. */
    public boolean isEmpty() {
        return waiting.isEmpty() && replayCandidates.isEmpty();
    }

    /** Wall clock when {@link #advance} is due, milliseconds; Long.MAX_VALUE for never. */
    public long dueMs(Progress progress) {
        long due = Long.MAX_VALUE;
        if (!waiting.isEmpty()) {
            due = isBeginning(progress) ? startMs(progress) : silenceMs(progress);
            if (ignoresWatermark(progress)) {
                due = Math.min(due, progress.now + RECHECK_MS);
            }
        }
        return replayCandidates.isEmpty() ? due : Math.min(due, replayDueMs(progress));
    }

    /** The watermark that would let out the first tick that waits; Long.MAX_VALUE for none. */
    public long dueWatermark() {
        if (waiting.isEmpty()) {
            return Long.MAX_VALUE;
        }
        Tick head = waiting.firstEntry().getValue();
        Map.Entry<Long, Tick> later =
                newestUs - head.timeUs < plan.reorderUs
                        ? null
                        : waiting.ceilingEntry(head.timeUs + plan.reorderUs);
        return later == null
                ? head.recordMs + 1 + plan.idleMs
                : Math.max(head.recordMs, later.getValue().recordMs) + 1;
    }

    private void drain(Progress progress, ClockOutput out) throws IOException {
        if (isBeginning(progress)) {
            return;
        }
        long read = waiting.isEmpty() ? 0 : readMs(progress);
        while (!waiting.isEmpty()) {
            Tick head = waiting.firstEntry().getValue();
            if (read < dueWatermark() && !(isNext(head.timeUs) && isComplete(head, progress))) {
                return;
            }
            waiting.pollFirstEntry();
            emit(head, out);
        }
    }

    private void emit(Tick tick, ClockOutput out) throws IOException {
        if (emittedUs != NONE) {
            spacing.add(tick.timeUs - emittedUs);
        }
        emittedUs = tick.timeUs;
        recent.add(tick);
        out.tick(tick);
    }

    /**
     * Up to which Kafka time all partitions have been read. The watermark does not fall back when a
     * new topic is read from its beginning, and it jumps ahead when all partitions are silent
     * because Kafka is away. In these cases the partitions that the session came through tell.
     */
    private long readMs(Progress progress) {
        long read = progress.watermark;
        if (ignoresWatermark(progress) && read != Long.MAX_VALUE) {
            read = Math.min(read, sources.partitionsReadMs(progress, plan.idleMs));
        }
        return read;
    }

    private boolean ignoresWatermark(Progress progress) {
        return progress.now < behindMs || progress.isUnsettled();
    }

    /** Whether the session is so new that partitions of its topic may be unknown. */
    private boolean isBeginning(Progress progress) {
        return emittedUs == NONE
                && progress.now < startMs(progress)
                && progress.watermark != Long.MAX_VALUE;
    }

    private long startMs(Progress progress) {
        return openedMs + (progress.now < behindMs ? 2 : 1) * START_MS;
    }

    /** Wall clock from which on no message of any session has come for long enough. */
    private long silenceMs(Progress progress) {
        long due = Math.max(progress.inputMs, progress.heldUpMs) + plan.idleMs;
        return progress.isUnsettled() ? Math.max(due, progress.settledMs) : due;
    }

    private boolean isNext(long timeUs) {
        return spacing.isNext(timeUs - emittedUs);
    }

    /** Whether no topic of the session has yet to bring its part of the tick. */
    private boolean isComplete(Tick tick, Progress progress) {
        if ((tick.topics & splitTopics) != 0 && newestUs <= tick.timeUs) {
            return false;
        }
        int topics = sources.topicCount();
        if (topics == 1) {
            return true;
        }
        for (int i = 0; i < topics; i++) {
            if ((tick.topics & 1 << i) == 0 && !isSilent(i, progress)) {
                return false;
            }
        }
        return true;
    }

    /** Whether a topic brought nothing of the session for {@link Plan#idleMs}, of what was read. */
    private boolean isSilent(int topic, Progress progress) {
        return progress.watermark >= sources.topicRecordMs(topic) + plan.idleMs
                        && !progress.isUnsettled()
                || progress.now >= silenceMs(progress);
    }

    private void merge(Tick earlierPart, Tick part, ClockOutput out) throws IOException {
        if (ChannelLayout.of(earlierPart).covers(part, plan.channels.size())) {
            out.duplicate(part);
            return;
        }
        if (earlierPart.sampleCount() + part.sampleCount() > CarReader.MAX_CHANNELS) {
            out.late(part);
            return;
        }
        splitTopics |= earlierPart.topics & part.topics;
        earlierPart.add(part, plan.channels.size());
    }

    /** Says of a tick whose time has passed whether it is a duplicate or late. */
    private void rejectTick(Tick tick, ClockOutput out) throws IOException {
        long number = recent.find(tick.timeUs);
        if (recent.isAt(number, tick.timeUs)) {
            if (recent.layout(number).covers(tick, plan.channels.size())) {
                out.duplicate(tick);
                return;
            }
            splitTopics |= tick.topics;
        } else if (recent.isInside(number)) {
            spacing.add(Math.max(1, tick.timeUs - recent.timeBefore(number)));
        }
        out.late(tick);
    }

    private boolean isReplayCandidate(long timeUs) {
        if (replayCandidates.isEmpty()) {
            return timeUs <= firstUs && emittedUs - timeUs > RESTART_US;
        }
        return timeUs >= replayCandidates.firstKey()
                && timeUs <= replayCandidates.lastKey() + RESTART_US;
    }

    private void addReplayCandidate(Tick tick, Progress progress, ClockOutput out)
            throws IOException {
        if (replayCandidates.isEmpty()) {
            replayMs = progress.now;
        }
        Tick earlierPart = replayCandidates.putIfAbsent(tick.timeUs, tick);
        if (earlierPart != null) {
            merge(earlierPart, tick, out);
        }
        if (replayCandidates.size() >= RESTART_TICKS) {
            restart(progress, out);
        }
    }

    /** The session goes on where it was: the replay candidates are duplicates or late. */
    private void rejectReplay(ClockOutput out) throws IOException {
        for (Tick tick : replayCandidates.values()) {
            rejectTick(tick, out);
        }
        replayCandidates.clear();
    }

    private long replayDueMs(Progress progress) {
        return Math.max(replayMs, progress.heldUpMs) + RESTART_MS;
    }

    private void restart(Progress progress, ClockOutput out) throws IOException {
        while (!waiting.isEmpty()) {
            emit(waiting.pollFirstEntry().getValue(), out);
        }
        out.restart();
        emittedUs = newestUs = NONE;
        firstUs = replayCandidates.firstKey();
        recent.clear();
        spacing.clear();
        Iterator<Map.Entry<Long, Tick>> candidates = replayCandidates.entrySet().iterator();
        while (candidates.hasNext()) {
            Tick tick = candidates.next().getValue();
            candidates.remove();
            waiting.put(tick.timeUs, tick);
            newestUs = Math.max(newestUs, tick.timeUs);
        }
        drain(progress, out);
    }

    /**
     * Changes the channel codes of the ticks that wait to those of another plan.
     *
     * @param from channel ids of the plan that the ticks were read under
     * @param to channel ids of the other plan
     */
    public void recode(List<String> from, List<String> to) {
        waiting.values().forEach(tick -> tick.recode(from, to));
        replayCandidates.values().forEach(tick -> tick.recode(from, to));
    }

    public void write(DataOutputView out) throws IOException {
        for (long value : new long[] {openedMs, firstUs, emittedUs, newestUs, replayMs}) {
            out.writeLong(value);
        }
        out.writeInt(splitTopics);
        spacing.write(out);
        recent.write(out);
        sources.write(out);
        for (TreeMap<Long, Tick> ticks : List.of(waiting, replayCandidates)) {
            out.writeInt(ticks.size());
            for (Tick tick : ticks.values()) {
                tick.write(out);
            }
        }
    }

    /** Takes over what {@link #write} wrote. The clock must be new. */
    public void read(DataInputView in) throws IOException {
        openedMs = in.readLong();
        firstUs = in.readLong();
        emittedUs = in.readLong();
        newestUs = in.readLong();
        replayMs = in.readLong();
        splitTopics = in.readInt();
        spacing.read(in);
        recent.read(in);
        sources.read(in);
        for (TreeMap<Long, Tick> ticks : List.of(waiting, replayCandidates)) {
            for (int i = in.readInt(); i > 0; i--) {
                Tick tick = Tick.read(in);
                ticks.put(tick.timeUs, tick);
            }
        }
    }
}
