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
 *   <li>a tick that is more than {@link Plan#reorderUs} later is here, and what was sent before
 *       that one has been read: each partition that brings the session has brought a tick as late,
 *       or the watermark, the Kafka time up to which all partitions have been read, has passed it;
 *       or
 *   <li>the watermark has passed its own Kafka time by {@link Plan#idleMs}; or nothing came of the
 *       session while both the watermark and the wall clock went on by as much; or
 *   <li>nothing comes any more: the source is silent.
 * </ol>
 *
 * <p>A session's first tick waits for {@link #START_MS} of Kafka time and of the wall clock,
 * because partitions of a new topic may still be unknown; from then on the session's partitions are
 * known. A tick that jumps ahead by more than {@link #JUMP_US} waits until the session goes on from
 * there.
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

    /** A greater step ahead may be a damaged time. */
    static final long JUMP_US = 10_000_000;

    /** A tick less far back than this cannot begin the session anew. */
    static final long RESTART_US = 1_000_000;

    /** So many ticks of a beginning are one. */
    private static final int RESTART_TICKS = 5;

    /** So many ticks wait at most; then the first one leaves. */
    private static final int MAX_WAITING = 16_384;

    private final Plan plan;

    private final Hearing hearing;

    /** Time of the last tick that left, and of the newest that came. */
    private long emittedUs = NONE;

    private long newestUs = NONE;

    /** Newest Kafka time of the ticks that left, milliseconds. */
    private long emittedRecordMs = NONE;

    private final TickSpacing spacing = new TickSpacing();
    private final RecentTicks recent = new RecentTicks();
    private final SessionSources sources = new SessionSources();

    /** Topics that bring one tick in several messages, one bit each. */
    private int splitTopics;

    /** Ticks that have not left. */
    private final WaitingTicks waiting = new WaitingTicks();

    /** Ticks of what may be a new beginning of the session. */
    private WaitingTicks beginning = new WaitingTicks();

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
        tick.topics = 1 << sources.note(tick, progress.watermark);
        tick.readyMs =
                emittedUs == NONE ? progress.after(tick.recordMs, START_MS) : tick.recordMs;
        if (mayBegin(tick)) {
            put(beginning, tick, out);
            restartIfBegun(progress, out);
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
        while (!waiting.isEmpty()) {
            emit(waiting.poll(), out);
        }
        if (isBeginning()) {
            restart(out);
            silence(out);
        }
        rejectBeginning(out);
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
            due = Math.min(dueWatermark(waiting.first()), hearing.dueWatermark(progress));
        }
        if (!beginning.isEmpty()) {
            due = Math.min(due, beginningDueMs());
        }
        // What did not leave at its time is looked at again now and then.
        return due == Long.MAX_VALUE || due > progress.watermark
                ? due
                : progress.after(NONE, plan.idleMs);
    }

    /** Wall clock when {@link #advance} is due, milliseconds; Long.MAX_VALUE for never. */
    public long dueMs(Progress progress) {
        return waiting.isEmpty() ? Long.MAX_VALUE : hearing.dueMs(progress, emittedUs == NONE);
    }

    private long dueWatermark(Tick tick) {
        Tick later =
                newestUs - tick.timeUs < plan.reorderUs
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
        if (!first && tick.timeUs - emittedUs > JUMP_US && hearing.timeUs() <= tick.timeUs) {
            return false;
        }
        if (first && hearing.isNew(progress)) {
            return false;
        }
        long read =
                first ? progress.watermark : sources.readMs(progress.watermark, plan.idleMs);
        return read >= dueWatermark(tick)
                || hearing.isSilent(progress)
                || hearing.isEstablished(progress)
                        && sources.allReached(
                                tick.timeUs + plan.reorderUs + 1, progress.watermark, plan.idleMs);
    }

    /** Whether no topic of the session has yet to bring its part of the tick. */
    private boolean isComplete(Tick tick, Progress progress) {
        if ((tick.topics & splitTopics) != 0 && newestUs <= tick.timeUs) {
            return false;
        }
        return (sources.liveTopics(progress.watermark, plan.idleMs) & ~tick.topics) == 0;
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

    /**
     * Whether the tick may belong to a new beginning: it was sent after all that left, and is as
     * early as the session's first tick or goes on from ticks that are.
     */
    private boolean mayBegin(Tick tick) {
        if (emittedUs == NONE || tick.recordMs < emittedRecordMs) {
            return false;
        }
        if (beginning.isEmpty()) {
            return tick.timeUs <= recent.firstUs() + plan.reorderUs
                    && emittedUs - tick.timeUs > RESTART_US;
        }
        Tick first = beginning.first();
        return tick.timeUs <= beginning.last().timeUs + RESTART_US / 2
                && (tick.timeUs < first.timeUs || tick.recordMs >= first.recordMs);
    }

    /** The session goes on where it was: what came of a beginning is a duplicate or late. */
    private void rejectBeginning(ClockOutput out) throws IOException {
        while (!beginning.isEmpty()) {
            reject(beginning.poll(), out);
        }
    }

    private void restartIfBegun(Progress progress, ClockOutput out) throws IOException {
        if (!isBeginning()) {
            return;
        }
        boolean oldRunIsOver =
                progress.watermark >= beginningDueMs()
                        || beginning.size() > MAX_WAITING
                        || hearing.isEstablished(progress)
                                && sources.noneReached(
                                        emittedUs, progress.watermark, plan.idleMs);
        if (oldRunIsOver) {
            restart(out);
            drain(progress, out);
        }
    }

    private boolean isBeginning() {
        return beginning.size() >= RESTART_TICKS && beginning.first().timeUs <= recent.firstUs();
    }

    private void restart(ClockOutput out) throws IOException {
        while (!waiting.isEmpty()) {
            emit(waiting.poll(), out);
        }
        out.restart();
        emittedUs = newestUs = emittedRecordMs = NONE;
        recent.clear();
        spacing.clear();
        sources.restart();
        for (Tick tick : beginning.all()) {
            sources.note(tick, NONE);
            waiting.put(tick, plan.channels.size());
            newestUs = tick.timeUs;
        }
        beginning = new WaitingTicks();
    }

    /** The session is over for now: only what tells a late tick from a new one is kept. */
    public void release() {
        recent.forget();
        spacing.clear();
        sources.restart();
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
        for (long value : new long[] {emittedUs, newestUs, emittedRecordMs}) {
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
        hearing.read(in);
        splitTopics = in.readInt();
        spacing.read(in);
        recent.read(in);
        sources.read(in);
        waiting.read(in);
        beginning.read(in);
    }
}
