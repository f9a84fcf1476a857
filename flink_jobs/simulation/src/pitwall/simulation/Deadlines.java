package pitwall.simulation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * By when a session's rows must be there: soon after their records, or soon after what concerns the
 * session's own partitions or the whole job was mended. What other cars and other partitions do
 * excuses nothing. Times are milliseconds since the world began.
 */
final class Deadlines {
    /** A row waits so long at most: until partitions and then the session fell silent. */
    static final long PATIENCE_MS = 20_000;

    /** After the job began or Kafka was away, partitions may come back one by one for so long. */
    static final long SETTLE_MS = 20_000;

    private record Excuse(long fromMs, long toMs) {}

    private final List<Excuse> common = new ArrayList<>();

    Deadlines(World world, List<Job.Outage> outages) {
        common.add(new Excuse(0, SETTLE_MS));
        for (Job.Outage outage : outages) {
            common.add(new Excuse(outage.fromMs(), outage.toMs() + SETTLE_MS));
        }
        for (Kafka.Away away : world.kafka.away) {
            common.add(new Excuse(away.fromMs(), away.toMs() + SETTLE_MS));
        }
        for (JobTroubles.Slowness slow : world.job.slowness) {
            common.add(new Excuse(slow.fromMs(), slow.toMs()));
        }
    }

    /** The deadlines of one session's rows. */
    ForSession of(Expectation session) {
        List<Excuse> excuses = new ArrayList<>(common);
        for (PartitionLog log : session.logs) {
            for (PartitionLog.Trouble trouble : log.troubles) {
                excuses.add(new Excuse(trouble.fromMs(), trouble.toMs() + trouble.delayMs()));
            }
            excuses.add(new Excuse(log.createdMs, log.createdMs + 1500 + log.lateFirstReadMs));
        }
        excuses.sort(Comparator.comparingLong(Excuse::fromMs));
        return new ForSession(excuses);
    }

    /** The deadlines of one session's rows. */
    static final class ForSession {
        private final List<Excuse> excuses;

        private ForSession(List<Excuse> excuses) {
            this.excuses = excuses;
        }

        /** Whether nothing is an excuse from one time to another one. */
        boolean isCalm(long fromMs, long toMs) {
            for (Excuse excuse : excuses) {
                if (excuse.fromMs <= toMs && excuse.toMs >= fromMs) {
                    return false;
                }
            }
            return true;
        }

        /** By when the row of a record must be there that was stored at this time. */
        long of(long storedMs) {
            long deadline = storedMs + PATIENCE_MS;
            for (Excuse excuse : excuses) {
                if (excuse.fromMs <= deadline && excuse.toMs >= storedMs) {
                    deadline = Math.max(deadline, excuse.toMs + PATIENCE_MS);
                }
            }
            return deadline;
        }
    }
}
