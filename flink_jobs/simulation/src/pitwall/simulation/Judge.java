package pitwall.simulation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Compares what came out of a world with what the job promises ({@link Promise}). */
final class Judge {
    /** Most bytes of a session that was released. */
    private static final long REMEMBERED_BYTES = 4096;

    /** A one-tick session may take so much of the heap on average. */
    static final long SESSION_BYTES = 10 << 10;

    private static final long STATE_BYTES = 4 << 20;

    private final World world;
    private final Sinks sinks;
    private final List<Breach> breaches = new ArrayList<>();

    Judge(World world, Sinks sinks) {
        this.world = world;
        this.sinks = sinks;
    }

    /** The promises that were broken. {@code outages}: when the job was not there. */
    List<Breach> breaches(List<Job.Outage> outages) {
        Deadlines deadlines = new Deadlines(world, outages);
        Map<Expectation, List<FeatureRow>> rows = new HashMap<>();
        for (FeatureRow row : sinks.rows) {
            rows.computeIfAbsent(row.session, key -> new ArrayList<>()).add(row);
        }
        Map<CarSession, List<Letter>> late = new HashMap<>();
        for (Letter letter : sinks.letters) {
            if (letter.isLate) {
                late.computeIfAbsent(letter.record.session, key -> new ArrayList<>()).add(letter);
            }
        }
        for (Expectation session : world.expectations.values()) {
            new SessionJudge(
                            world,
                            session,
                            rows.getOrDefault(session, List.of()),
                            late.getOrDefault(session.session, List.of()),
                            deadlines.of(session),
                            this::breach)
                    .judge();
        }
        letters();
        return breaches;
    }

    /** The state when a burst of sessions has come, and when all sessions are over. */
    void judgeState(StateSize afterBurst, int burst, StateSize atEnd) {
        if (afterBurst.bytes() > STATE_BYTES + SESSION_BYTES * burst) {
            breach(
                    Promise.LITTLE_STATE,
                    burst + " sessions of one tick take " + afterBurst.bytes() + " bytes");
        }
        if (atEnd.bytes() > REMEMBERED_BYTES * atEnd.keys()) {
            breach(
                    Promise.STATE_RELEASED,
                    atEnd.keys() + " released sessions take " + atEnd.bytes() + " bytes");
        }
    }

    private void letters() {
        Map<KafkaRecord, Integer> counts = new HashMap<>();
        for (Letter letter : sinks.letters) {
            if (!letter.isLate && !letter.isTakenBack) {
                counts.merge(letter.record, 1, Integer::sum);
            }
        }
        for (PartitionLog log : world.kafka.logs) {
            for (int i = 0; i < log.size(); i++) {
                KafkaRecord record = log.get(i);
                int expected = record.damaged == null ? 0 : 1;
                int count = counts.getOrDefault(record, 0);
                if (count != expected) {
                    breach(
                            Promise.LETTERS,
                            log.name() + " offset " + i + " is " + count + " dead letters");
                }
            }
        }
    }

    /** The promises that were broken so far. */
    List<Breach> breaches() {
        return breaches;
    }

    void breach(Promise promise, String detail) {
        breaches.add(new Breach(promise, detail));
    }
}
