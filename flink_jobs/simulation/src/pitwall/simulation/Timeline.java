package pitwall.simulation;

import org.apache.flink.util.clock.Clock;

import java.util.PriorityQueue;

/**
 * Virtual time: wakes parts of the world when they are due, in the order of their times, and those
 * of one time in the order in which they asked. Times are milliseconds since the world began.
 */
final class Timeline {
    static final long NEVER = Long.MAX_VALUE;

    /** A part of the world that wants to be woken. It has one due time at most. */
    abstract static class Part {
        private long dueMs = NEVER;

        /** Does what is due. Exceptions end the world. */
        abstract void wake(long now) throws Exception;
    }

    /** Something that happens once. */
    interface Action {
        void run(long now) throws Exception;
    }

    private record Alarm(long ms, long number, Part part) implements Comparable<Alarm> {
        @Override
        public int compareTo(Alarm other) {
            int byTime = Long.compare(ms, other.ms);
            return byTime != 0 ? byTime : Long.compare(number, other.number);
        }
    }

    private final PriorityQueue<Alarm> alarms = new PriorityQueue<>();
    private long count;
    private long nowMs;

    private final Clock clock =
            new Clock() {
                @Override
                public long absoluteTimeMillis() {
                    return World.EPOCH_MS + nowMs;
                }

                @Override
                public long relativeTimeMillis() {
                    return nowMs;
                }

                @Override
                public long relativeTimeNanos() {
                    return nowMs * 1_000_000;
                }
            };

    long now() {
        return nowMs;
    }

    /** Virtual time as Flink's classes ask for it. */
    Clock clock() {
        return clock;
    }

    /** Wakes the part at this time or now if it has passed, unless it is woken before. */
    void wakeAt(Part part, long ms) {
        long due = Math.max(ms, nowMs);
        if (ms != NEVER && due < part.dueMs) {
            part.dueMs = due;
            alarms.add(new Alarm(due, count++, part));
        }
    }

    /** Does something once at this time, or now if it has passed. */
    void at(long ms, Action action) {
        wakeAt(
                new Part() {
                    @Override
                    void wake(long now) throws Exception {
                        action.run(now);
                    }
                },
                ms);
    }

    /** The part is not woken any more. */
    void forget(Part part) {
        part.dueMs = NEVER;
    }

    /** Runs until nothing is due before {@code untilMs}, which is now afterwards. */
    void run(long untilMs) throws Exception {
        while (!alarms.isEmpty() && alarms.peek().ms <= untilMs) {
            Alarm alarm = alarms.poll();
            if (alarm.part.dueMs == alarm.ms) {
                nowMs = alarm.ms;
                alarm.part.dueMs = NEVER;
                alarm.part.wake(nowMs);
            }
        }
        nowMs = Math.max(nowMs, untilMs);
    }
}
