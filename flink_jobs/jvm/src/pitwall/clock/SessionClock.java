package pitwall.clock;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.plan.Plan;
import pitwall.ticks.ChannelLayout;
import pitwall.ticks.RecentTicks;
import pitwall.ticks.Tick;
import pitwall.ticks.WaitingTicks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Puts the ticks of one session in order. A tick leaves when
 *
 * <ol>
 *   <li>it is the next one in the session's step, and every topic brought its part of it; or
 *   <li>each partition that brings the session has brought a tick that is more than {@link
 *       Plan#reorderUs} later; while these partitions are not known yet, the watermark, the Kafka
 *       time up to which all partitions have been read, has passed such a tick; or
 *   <li>the watermark has passed its own Kafka time by {@link Plan#idleMs}; or nothing came of the
 *       session while Kafka was read calmly ({@link Hearing#isSilent}); or
 *   <li>nothing comes any more: the source is silent.
 * </ol>
 *
 * <p>A session's first tick waits for {@link #START_MS} of Kafka time and of the wall clock,
 * because partitions of a new topic may still be unknown; from then on the session's partitions are
 * known. A tick that jumps ahead of its Kafka time by more than {@link #JUMP_US} waits until the
 * session goes on from there.
 *
 * <p>A tick at or before the last one that left is a duplicate when that very tick left with the
 * same channels, otherwise it is late. When ticks from the session's first one on are sent once
 * more, after all that left, and nothing continues the old run, the session begins anew.
 *
 * <p>No method blocks. An IOException comes from the output.
 */
public final class SessionClock {
    private static final long NONE = Long.MIN_VALUE;

    /** How long the first tick of a session waits, Kafka time and wall clock. */
    static final long START_MS = 2000;

    /** Where session time runs so far ahead of Kafka time, a tick's time may be damaged. */
    static final long JUMP_US = 10_000_000;

    /** So many ticks wait at most; then the first one leaves. */
    private static final int MAX_WAITING = 16_384;

    private final Plan plan;

    private final Hearing hearing;

    /** Time of the last tick that left, and of the newest that came. */
    private long emittedUs = NONE;

    private long newestUs = NONE;

    /** Newest Kafka time of the ticks that left, milliseconds. */
    private long emittedRecordMs = NONE;

    /** Kafka time from which on the session began anew; what was sent before is late. */
    private long begunMs = NONE;

    private final TickSpacing spacing = new TickSpacing();
    private final RecentTicks recent = new RecentTicks();
    private final SessionSources sources = new SessionSources();

    /** Topics that bring one tick in several messages, one bit each. */
    private int splitTopics;

    /** Ticks that have not left. */
    private final WaitingTicks waiting = new WaitingTicks();

    /** Ticks of what may be a new beginning of the session. */
    private Beginning beginning = new Beginning();

    public SessionClock(Plan plan) {
        this.plan = plan;
        hearing = new Hearing(START_MS, plan.idleMs);
    }

    /** Time of the last tick that left, microseconds since session start. */
    public long emittedUs() {
        return emittedUs;
    }

    /** Takes one message's part of a tick, and lets out every tick that need not wait. */
    public void offer(Tick tick, Progress progress, ClockOutput out) throws IOException {
        hearing.hear(tick, progress);
        boolean again = !beginning.isEmpty() && sources.hasReached(tick);
        tick.topics = 1 << sources.note(tick, progress);
        tick.readyMs = progress.after(tick.recordMs, emittedUs == NONE ? START_MS : 0);
        if (mayBegin(tick, again)) {
            if (!beginning.isEmpty() && tick.timeUs < beginning.first().timeUs) {
                for (Tick older : beginning.takeSentBefore(sentMs(tick))) {
                    reject(older, out);
                }
            }
            put(beginning, tick, out);
            restartIfBegun(progress, out);
        } else if (tick.recordMs < begunMs) {
            out.late(tick);
        } else if (emittedUs != NONE && tick.timeUs <= emittedUs) {
            reject(tick, out);
        } else {
            if (!beginning.isEmpty() && tick.recordMs >= beginning.first().recordMs) {
                rejectBeginning(out);
            }
            newestUs = Math.max(newestUs, tick.timeUs);
            if (waiting.isEmpty() && mayLeave(tick, progress)) {
                emit(tick, out);
                return;
            }
            put(waiting, tick, out);
            drain(progress, out);
        }
    }

    /** Lets out every tick that need not wait any longer, without a new message. */
    public void advance(Progress progress, ClockOutput out) throws IOException {
        hearing.pass(progress);
        drain(progress, out);
        restartIfBegun(progress, out);
    }

    /** The source is silent: nothing waits any longer. */
    public void silence(ClockOutput out) throws IOException {
        if (beginning.isWhole(recent.firstUs())) {
            restart(out);
        } else {
            rejectBeginning(out);
        }
        while (!waiting.isEmpty()) {
            emit(waiting.poll(), out);
        }
    }

    /** The ticks that wait, which the clock gives away. It must not be used any more. */
    public List<Tick> abandon() {
        List<Tick> ticks = new ArrayList<>(waiting.all());
        ticks.addAll(beginning.all());
        return ticks;
    }

    /** Whether no tick waits. */
    public boolean isEmpty() {
        return waiting.isEmpty() && beginning.isEmpty();
    }

    /** The watermark at which {@link #advance} is due; Long.MAX_VALUE for never. */
    public long dueWatermark(Progress progress) {
        long due = Long.MAX_VALUE;
        if (!waiting.isEmpty()) {
            due = dueWatermark(waiting.first(), !hearing.isEstablished(progress));
        }
        if (!beginning.isEmpty()) {
            due = Math.min(due, beginningDueMs());
        }
        if (due >= Progress.NEVER) {
            return Long.MAX_VALUE;
        }
        // What did not leave at its time is looked at again now and then.
        return due > progress.watermark ? due : progress.watermark + plan.idleMs;
    }

    /** Wall clock when {@link #advance} is due, milliseconds; Long.MAX_VALUE for never. */
    public long dueMs(Progress progress) {
        return isEmpty() ? Long.MAX_VALUE : hearing.dueMs(progress, emittedUs == NONE);
    }

    /** The watermark at which the tick leaves at the latest. */
    private long dueWatermark(Tick tick, boolean byLaterTick) {
        Tick later =
                !byLaterTick || newestUs - tick.timeUs < plan.reorderUs
                        ? null
                        : waiting.from(tick.timeUs + plan.reorderUs + 1);
        return later == null
                ? tick.readyMs + plan.idleMs
                : Math.max(tick.readyMs, later.readyMs) + 1;
    }

    private long beginningDueMs() {
        return beginning.first().readyMs + plan.reorderUs / 1000;
    }

    private void put(WaitingTicks ticks, Tick tick, ClockOutput out) throws IOException {
        switch (ticks.put(tick, plan.channels.size())) {
            case WAITS -> splitTopics |= ticks.splitTopics();
            case DUPLICATE -> out.duplicate(tick);
            case TOO_LARGE -> out.late(tick);
        }
    }

    private void drain(Progress progress, ClockOutput out) throws IOException {
        while (!waiting.isEmpty() && mayLeave(waiting.first(), progress)) {
            emit(waiting.poll(), out);
        }
    }

    private boolean mayLeave(Tick tick, Progress progress) {
        boolean first = emittedUs == NONE;
        if (!first && spacing.isNext(tick.timeUs - emittedUs) && isComplete(tick, progress)
                || waiting.size() > MAX_WAITING) {
            return true;
        }
        if (first ? hearing.isNew(progress) : jumpsAhead(tick)) {
            return false;
        }
        boolean isEstablished = hearing.isEstablished(progress);
        return progress.watermark >= dueWatermark(tick, !isEstablished)
                || hearing.isSilent(progress)
                || isEstablished
                        && sources.allReached(
                                tick.timeUs + plan.reorderUs + 1, progress, plan.idleMs);
    }

    /** Whether the tick's time may be damaged: it leaves Kafka time behind, and none followed. */
    private boolean jumpsAhead(Tick tick) {
        long aheadUs = tick.timeUs - emittedUs - (tick.recordMs - emittedRecordMs) * 1000;
        return Math.min(aheadUs, tick.timeUs - emittedUs) > JUMP_US
                && hearing.timeUs() <= tick.timeUs;
    }

    /** Whether no topic of the session has yet to bring its part of the tick. */
    private boolean isComplete(Tick tick, Progress progress) {
        if ((tick.topics & splitTopics) != 0 && newestUs <= tick.timeUs) {
            return false;
        }
        return (sources.liveTopics(progress, plan.idleMs) & ~tick.topics) == 0;
    }

    private void emit(Tick tick, ClockOutput out) throws IOException {
        if (emittedUs != NONE) {
            spacing.add(tick.timeUs - emittedUs);
        }
        emittedUs = tick.timeUs;
        emittedRecordMs = Math.max(emittedRecordMs, tick.recordMs);
        recent.add(tick);
        out.tick(tick);
    }

    /** Says of a tick whose time has passed whether it is a duplicate or late. */
    private void reject(Tick tick, ClockOutput out) throws IOException {
        ChannelLayout layout = recent.layoutAt(tick.timeUs);
        if (layout != null && layout.covers(tick, plan.channels.size())) {
            out.duplicate(tick);
            return;
        }
        if (layout != null) {
            splitTopics |= tick.topics;
        } else if (recent.spacingUs(tick.timeUs) > 0) {
            spacing.add(recent.spacingUs(tick.timeUs));
        }
        out.late(tick);
    }

    /** Kafka time of a tick, less what ticks that change places may differ. */
    private long sentMs(Tick tick) {
        return tick.recordMs - plan.reorderUs / 1000;
    }

    /** {@code again}: whether the tick's partition has brought its time before. */
    private boolean mayBegin(Tick tick, boolean again) {
        return emittedUs != NONE
                && tick.recordMs >= emittedRecordMs
                && beginning.takes(
                        tick, emittedUs, recent.firstUs(), sources.areSeveral(), again);
    }

    /** The session goes on where it was: what came of a beginning is a duplicate or late. */
    private void rejectBeginning(ClockOutput out) throws IOException {
        while (!beginning.isEmpty()) {
            Tick tick = beginning.poll();
            if (tick.timeUs > emittedUs) {
                newestUs = Math.max(newestUs, tick.timeUs);
                put(waiting, tick, out);
            } else {
                reject(tick, out);
            }
        }
    }

    private void restartIfBegun(Progress progress, ClockOutput out) throws IOException {
        if (!beginning.isWhole(recent.firstUs())) {
            if (!beginning.isEmpty() && isOver(progress)) {
                rejectBeginning(out);
            }
            return;
        }
        boolean oldRunIsOver =
                progress.watermark >= beginningDueMs()
                        || beginning.size() > MAX_WAITING
                        || hearing.isEstablished(progress)
                                && sources.allRead(
                                        beginning.first().recordMs, progress, plan.idleMs);
        if (oldRunIsOver) {
            restart(out);
            drain(progress, out);
        }
    }

    /** Whether nothing earlier than what may be a beginning can come any more. */
    private boolean isOver(Progress progress) {
        return progress.watermark >= beginning.first().readyMs + plan.idleMs
                || hearing.isSilent(progress)
                || beginning.size() > MAX_WAITING;
    }

    private void restart(ClockOutput out) throws IOException {
        while (!waiting.isEmpty()) {
            emit(waiting.poll(), out);
        }
        out.restart();
        begunMs = sentMs(beginning.first());
        emittedUs = newestUs = emittedRecordMs = NONE;
        recent.clear();
        spacing.clear();
        sources.restart(begunMs);
        for (Tick tick : beginning.all()) {
            waiting.put(tick, plan.channels.size());
            newestUs = tick.timeUs;
        }
        beginning = new Beginning();
    }

    /** The session is over for now: only what tells a late tick from a new one is kept. */
    public void release() {
        recent.forget();
        spacing.clear();
        sources.release();
        hearing.release();
    }

    /**
     * Changes the channel codes of the ticks that are kept to those of another plan.
     *
     * @param from channel ids of the plan that the ticks were read under
     * @param to channel ids of the other plan
     */
    public void recode(List<String> from, List<String> to) {
        waiting.recode(from, to);
        beginning.recode(from, to);
        recent.recode(from, to);
    }

    /** Bytes that it takes on the heap, roughly. */
    public long bytes() {
        return 512 + waiting.bytes() + beginning.bytes() + recent.bytes() + sources.bytes();
    }

    public void write(DataOutputView out) throws IOException {
        for (long value : new long[] {emittedUs, newestUs, emittedRecordMs, begunMs}) {
            out.writeLong(value);
        }
        hearing.write(out);
        out.writeInt(splitTopics);
        spacing.write(out);
        recent.write(out);
        sources.write(out);
        waiting.write(out);
        beginning.write(out);
    }

    /** Takes over what {@link #write} wrote. The clock must be new. */
    public void read(DataInputView in) throws IOException {
        emittedUs = in.readLong();
        newestUs = in.readLong();
        emittedRecordMs = in.readLong();
        begunMs = in.readLong();
        hearing.read(in);
        splitTopics = in.readInt();
        spacing.read(in);
        recent.read(in);
        sources.read(in);
        waiting.read(in);
        beginning.read(in);
    }
}
