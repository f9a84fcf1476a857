package pitwall.simulation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The records of one session, as they were stored and read. Made anew for each judgement. */
final class Records {
    private static final long SOON_MS = 1000;

    /** What a partition brings is noticed so long after it was read. */
    static final long NOTICED_MS = 100;

    private final CarSession session;
    private final List<KafkaRecord> all = new ArrayList<>();
    private final Map<PartitionLog, Long> firstReadMs = new HashMap<>();

    /** When all groups of a tick were first stored. */
    private final long[] storedMs;

    private long beganMs = Long.MAX_VALUE;

    Records(Expectation expectation) {
        session = expectation.session;
        storedMs = new long[session.timesUs.length];
        Map<Long, Long> byPart = new HashMap<>();
        for (PartitionLog log : expectation.logs) {
            for (int i = 0; i < log.size(); i++) {
                KafkaRecord record = log.get(i);
                if (record.session == session) {
                    all.add(record);
                    long part = record.tick * 64L + record.group;
                    byPart.merge(part, record.storedMs, Math::min);
                    firstReadMs.merge(log, record.readMs, Math::min);
                    beganMs = Math.min(beganMs, record.readMs);
                }
            }
        }
        Arrays.fill(storedMs, Long.MIN_VALUE);
        byPart.forEach(
                (part, ms) -> {
                    int tick = (int) (part / 64);
                    storedMs[tick] = Math.max(storedMs[tick], ms);
                });
    }

    /** When a tick was whole in Kafka. */
    long storedMs(int tick) {
        return storedMs[tick];
    }

    /** When the last tick was whole in Kafka. */
    long lastStoredMs() {
        return Arrays.stream(storedMs).max().orElse(Long.MIN_VALUE);
    }

    /** Whether a tick was stored before that is later by more than the bound. */
    boolean overtakenBy(KafkaRecord record, long boundUs) {
        if (record.isCopy) {
            return false;
        }
        long timeUs = session.timesUs[record.tick];
        for (KafkaRecord other : all) {
            if (other.storedMs < record.storedMs
                    && session.timesUs[other.tick] > timeUs + boundUs) {
                return true;
            }
        }
        return false;
    }

    /** Whether a tick may be late by what held its partition back for so long. */
    boolean mayBeLate(long idleMs) {
        for (KafkaRecord record : all) {
            if (Math.max(record.heldMs, record.silenceMs) >= idleMs
                    || record.log.lateFirstReadMs >= idleMs) {
                return true;
            }
        }
        return false;
    }

    /**
     * When the record's partition brought the session again after so long without it, before the
     * record; the smallest long where it never paused.
     */
    long backSinceMs(KafkaRecord record, long pauseMs) {
        long backMs = Long.MIN_VALUE;
        long lastMs = beganMs;
        for (KafkaRecord other : all) {
            if (other.log == record.log && other.storedMs <= record.storedMs) {
                backMs = other.storedMs - lastMs >= pauseMs ? other.storedMs : backMs;
                lastMs = other.storedMs;
            }
        }
        return backMs;
    }

    /**
     * Whether the record was stored while its partition was so far behind: an older record of it
     * was not read yet. What the other partitions bring of its tick did not wait for it.
     */
    boolean wasBehind(KafkaRecord record, long behindMs) {
        for (KafkaRecord other : all) {
            if (other.log == record.log
                    && other.storedMs <= record.storedMs - behindMs
                    && other.readMs + NOTICED_MS >= record.storedMs) {
                return true;
            }
        }
        return false;
    }

    /** How many ticks are later than the record's and were stored before it. */
    int ticksAfter(KafkaRecord record) {
        int after = 0;
        for (KafkaRecord other : all) {
            if (!other.isCopy && other.tick > record.tick && other.storedMs <= record.storedMs) {
                after++;
            }
        }
        return after;
    }

    /**
     * Whether the record was there when its partition was first read, or soon after, and that was
     * so long after the first read of another one of the session.
     */
    boolean isAmongFirstRead(KafkaRecord record, long lateMs) {
        long firstMs = firstReadMs.get(record.log);
        return firstMs >= beganMs + lateMs && record.storedMs <= firstMs + SOON_MS;
    }
}
