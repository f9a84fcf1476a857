package pitwall.clock;

import pitwall.ticks.Tick;
import pitwall.ticks.WaitingTicks;

/**
 * Ticks of what may be a new beginning of a session: they were sent after all that left, and are
 * not later than the last of them. The session's first tick may come later than others, where they
 * come through several partitions.
 */
final class Beginning extends WaitingTicks {
    /** A tick less far back than this does not begin the session anew. */
    static final long LEAST_US = 1_000_000;

    /** Ticks further apart than this do not go on from one another. */
    private static final long GAP_US = LEAST_US / 2;

    /** So many ticks of a beginning are one. */
    private static final int TICKS = 5;

    /**
     * Whether a tick that was sent after all that left belongs here.
     *
     * @param emittedUs time of the last tick that left
     * @param firstUs time of the session's first tick
     * @param several whether several partitions bring the session
     * @param again whether its own partition has brought its time before: then it is sent once
     *     more, also where what came first still waits
     */
    boolean takes(Tick tick, long emittedUs, long firstUs, boolean several, boolean again) {
        boolean isFirst = tick.timeUs <= firstUs;
        if (isFirst && emittedUs - tick.timeUs <= LEAST_US) {
            return false;
        }
        if (isEmpty()) {
            return isFirst || several && tick.timeUs <= emittedUs;
        }
        if (tick.timeUs < first().timeUs) {
            return true;
        }
        boolean goesOn =
                tick.timeUs <= last().timeUs + GAP_US
                        && (tick.timeUs <= emittedUs
                                || emittedUs - first().timeUs > LEAST_US);
        return tick.recordMs >= first().recordMs
                && (goesOn || several && (again || tick.timeUs <= emittedUs));
    }

    /** Whether it is a beginning: the session's first ticks, without a gap. */
    boolean isWhole(long firstUs) {
        if (size() < TICKS || first().timeUs > firstUs) {
            return false;
        }
        long lastUs = first().timeUs;
        int n = 0;
        for (Tick tick : all()) {
            if (tick.timeUs - lastUs > GAP_US) {
                return false;
            }
            lastUs = tick.timeUs;
            if (++n == TICKS) {
                break;
            }
        }
        return true;
    }
}
