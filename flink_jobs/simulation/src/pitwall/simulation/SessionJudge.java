package pitwall.simulation;

import pitwall.plan.Plan;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/** Judges the rows and the late ticks of one session. */
final class SessionJudge {
    /** A partition's delay that may make ticks late: as the plan's idle time, less the polling. */
    private static final long NEARLY_MS = 150;

    /** A partition that is first read so long after another one may lose its first ticks. */
    private static final long FIRST_READ_MS = 2000;

    /** The clock remembers so many ticks: an older copy cannot be told from a late tick. */
    private static final int REMEMBERED = 1000;

    private final World world;
    private final Plan plan;
    private final Expectation expectation;
    private final CarSession session;
    private final List<FeatureRow> rows;
    private final List<Letter> late;
    private final Deadlines.ForSession deadlines;
    private final BiConsumer<Promise, String> breach;
    private final Map<Long, Integer> ticks = new HashMap<>();

    /** Times of the rows that are final. */
    private final Set<Long> rowTimesUs = new HashSet<>();

    /** Groups of each tick that were late, one bit each: when they came first, and once more. */
    private final long[] lateGroups;

    private final long[] lateCopies;

    SessionJudge(
            World world,
            Expectation expectation,
            List<FeatureRow> rows,
            List<Letter> late,
            Deadlines.ForSession deadlines,
            BiConsumer<Promise, String> breach) {
        this.world = world;
        this.expectation = expectation;
        this.rows = rows;
        this.late = late;
        this.deadlines = deadlines;
        this.breach = breach;
        plan = world.plans.get(0);
        session = expectation.session;
        for (int tick = 0; tick < session.timesUs.length; tick++) {
            ticks.put(session.timesUs[tick], tick);
        }
        for (FeatureRow row : rows) {
            if (!row.isTakenBack) {
                rowTimesUs.add(row.timeUs);
            }
        }
        lateGroups = new long[session.timesUs.length];
        lateCopies = new long[session.timesUs.length];
        for (Letter letter : late) {
            // A tick that came in one message and was late has no row.
            if (session.groups > 1 && !letter.isTakenBack) {
                long[] groups = letter.record.isCopy ? lateCopies : lateGroups;
                groups[letter.record.tick] |= 1L << letter.record.group;
            }
        }
    }

    void judge() {
        Records records = new Records(expectation);
        if (beginnings()) {
            lives();
        }
        nothingLost();
        prompt(records);
        inTime(records);
        if (late.isEmpty() && !records.mayBeLate(plan.idleMs - NEARLY_MS)) {
            oneValue();
        }
        history();
        newest();
    }

    /** Whether the session begins as often as it may, and no row comes twice. */
    private boolean beginnings() {
        int lives = 0;
        long lastUs = Long.MAX_VALUE;
        for (FeatureRow row : rows) {
            if (row.isTakenBack) {
                continue;
            }
            if (row.timeUs == lastUs) {
                say(Promise.NOTHING_TWICE, row, "the row comes twice");
                return false;
            }
            if (row.timeUs < lastUs && ++lives > 1 + expectation.replays) {
                say(
                        Promise.NO_RESTART,
                        row,
                        "the session begins anew after "
                                + at(lastUs)
                                + ", at "
                                + Story.seconds(row.givenMs));
                return false;
            }
            lastUs = row.timeUs;
        }
        return true;
    }

    /** The values, from each beginning of the session on. */
    private void lives() {
        Ideal ideal = null;
        int lives = 0;
        long lastUs = Long.MIN_VALUE;
        int rowsOfLife = 0;
        for (FeatureRow row : rows) {
            if (row.isTakenBack) {
                continue;
            }
            Integer tick = ticks.get(row.timeUs);
            if (tick == null) {
                say(Promise.RIGHT_VALUES, row, "no tick has this time");
                return;
            }
            if (ideal == null || row.timeUs < lastUs) {
                wholeLife(lives, rowsOfLife);
                rowsOfLife = 0;
                ideal = new Ideal(world.plans, session, row.definitions);
                lives++;
            }
            lastUs = row.timeUs;
            rowsOfLife++;
            long[] lateInLife = lives > 1 ? lateCopies : lateGroups;
            String difference = ideal.difference(tick, ~lateInLife[tick], row);
            if (difference != null) {
                say(Promise.RIGHT_VALUES, row, difference);
                return;
            }
            String outlier = ideal.outlier(tick, row);
            if (outlier != null) {
                say(Promise.OUTLIERS_LEAVE, row, outlier);
                return;
            }
        }
        wholeLife(lives, rowsOfLife);
    }

    /** Where nothing is late, each beginning of the session brings all of it. */
    private void wholeLife(int life, int rowsOfLife) {
        if (life > 0
                && expectation.replays > 0
                && late.isEmpty()
                && rowsOfLife != session.timesUs.length) {
            breach.accept(
                    Promise.NOTHING_LOST,
                    session.key()
                            + " has "
                            + rowsOfLife
                            + " rows of "
                            + session.timesUs.length
                            + " after its beginning "
                            + life);
        }
    }

    private void nothingLost() {
        Set<Long> missing = new HashSet<>(ticks.keySet());
        missing.removeAll(rowTimesUs);
        for (Letter letter : late) {
            if (!letter.isTakenBack) {
                missing.remove(session.timesUs[letter.record.tick]);
            }
        }
        if (!missing.isEmpty()) {
            long firstUs = missing.stream().min(Long::compare).orElseThrow();
            breach.accept(
                    Promise.NOTHING_LOST,
                    session.key()
                            + " misses "
                            + missing.size()
                            + " ticks, the first at "
                            + at(firstUs));
        }
    }

    private void prompt(Records records) {
        InStep inStep = new InStep(session);
        Set<Long> lateUs = new HashSet<>();
        for (Letter letter : late) {
            lateUs.add(session.timesUs[letter.record.tick]);
        }
        long[] givenMs = new long[session.timesUs.length];
        Arrays.fill(givenMs, Long.MAX_VALUE);
        for (FeatureRow row : rows) {
            Integer tick = ticks.get(row.timeUs);
            if (tick == null || givenMs[tick] < Long.MAX_VALUE || lateUs.contains(row.timeUs)) {
                continue;
            }
            givenMs[tick] = row.givenMs;
            long storedMs = records.storedMs(tick);
            if (row.givenMs > deadlines.of(storedMs)) {
                say(Promise.PROMPT, row, delay(row, storedMs));
                return;
            }
            long atOnceMs = storedMs + InStep.AT_ONCE_MS;
            boolean mustBeThere =
                    late.isEmpty()
                            && inStep.isInStep(tick)
                            && givenMs[tick - 1] <= storedMs
                            && deadlines.isCalm(storedMs, atOnceMs);
            if (mustBeThere && row.givenMs > atOnceMs) {
                say(Promise.AT_ONCE, row, delay(row, storedMs));
                return;
            }
        }
    }

    private static String delay(FeatureRow row, long storedMs) {
        String after = Story.seconds(row.givenMs - storedMs);
        return "the row comes " + after + " after its record, at " + Story.seconds(row.givenMs);
    }

    private void inTime(Records records) {
        for (Letter letter : late) {
            if (letter.isTakenBack) {
                continue;
            }
            boolean isWhole = session.groups == 1 && !letter.record.isCopy;
            long timeUs = session.timesUs[letter.record.tick];
            if (isWhole && expectation.replays == 0 && rowTimesUs.contains(timeUs)) {
                breach.accept(
                        Promise.NOTHING_TWICE,
                        session.key() + " at " + at(timeUs) + " is a row and is said to be late");
                return;
            }
            String reason = lateness(letter.record, records);
            if (reason != null) {
                breach.accept(
                        Promise.IN_TIME,
                        session.key()
                                + " at "
                                + at(timeUs)
                                + ": "
                                + reason
                                + " (read at "
                                + Story.seconds(letter.record.readMs)
                                + " from "
                                + letter.record.log.name()
                                + ")");
                return;
            }
        }
    }

    /** Why a tick must not be late; null where it may be. */
    private String lateness(KafkaRecord record, Records records) {
        if (records.overtakenBy(record, plan.reorderUs)) {
            return null;
        }
        if (record.isCopy) {
            long silentMs = record.storedMs - records.lastStoredMs();
            boolean isKnown =
                    expectation.replays == 0
                            && silentMs < plan.releaseMs
                            && lateGroups[record.tick] == 0
                            && rowTimesUs.contains(session.timesUs[record.tick])
                            && records.ticksAfter(record) <= REMEMBERED;
            return isKnown ? "a copy of a tick that left is said to be late" : null;
        }
        boolean held = Math.max(record.silenceMs, record.heldMs) >= plan.idleMs - NEARLY_MS;
        if (held
                || records.wasBehind(record, plan.idleMs - NEARLY_MS)
                || records.isAmongFirstRead(record, FIRST_READ_MS - NEARLY_MS)
                || cameBackToSlowTasks(record.log)) {
            return null;
        }
        long backMs = records.backSinceMs(record, plan.idleMs - NEARLY_MS);
        if (backMs > Long.MIN_VALUE && world.job.isSlow(backMs, record.readMs)) {
            return null;
        }
        return "its partition held it back for " + record.heldMs + " ms only";
    }

    /** Whether the partition came back after others when Kafka was away, and tasks were slow. */
    private boolean cameBackToSlowTasks(PartitionLog log) {
        for (Kafka.Away away : world.kafka.away) {
            long backMs = log.readableMs(away.fromMs());
            if (backMs - away.toMs() >= plan.idleMs - NEARLY_MS
                    && world.job.isSlow(away.toMs(), backMs + Deadlines.SETTLE_MS)) {
                return true;
            }
        }
        return false;
    }

    /** All rows of one event time are equal, as far as all definitions know the features. */
    private void oneValue() {
        Map<Long, FeatureRow> first = new HashMap<>();
        for (FeatureRow row : rows) {
            FeatureRow earlier = first.putIfAbsent(row.timeUs, row);
            boolean isSame =
                    earlier != null
                            && earlier.definitions == row.definitions
                            && (row.definitions == 0 || expectation.replays == 0);
            if (isSame && !sameBits(earlier.values, row.values)) {
                say(Promise.ONE_VALUE, row, "another row of this time has other values");
                return;
            }
        }
    }

    private static boolean sameBits(double[] one, double[] other) {
        for (int i = 0; i < one.length; i++) {
            if (Double.doubleToLongBits(one[i]) != Double.doubleToLongBits(other[i])) {
                return false;
            }
        }
        return one.length == other.length;
    }

    private void history() {
        Set<Long> missing = new HashSet<>(ticks.keySet());
        missing.removeAll(expectation.historyUs);
        if (!missing.isEmpty()) {
            breach.accept(
                    Promise.HISTORY,
                    session.key() + " misses " + missing.size() + " ticks in the history");
        }
    }

    private void newest() {
        long newestUs = Long.MIN_VALUE;
        long newestFinalUs = Long.MIN_VALUE;
        for (FeatureRow row : rows) {
            newestUs = Math.max(newestUs, row.timeUs);
            newestFinalUs = row.isTakenBack ? newestFinalUs : Math.max(newestFinalUs, row.timeUs);
        }
        if (newestUs != newestFinalUs) {
            breach.accept(
                    Promise.NEWEST_ONLINE,
                    session.key() + " has a row of " + at(newestUs) + " that never became final");
        }
    }

    private void say(Promise promise, FeatureRow row, String what) {
        breach.accept(
                promise,
                session.key()
                        + " at "
                        + at(row.timeUs)
                        + " (tick "
                        + ticks.get(row.timeUs)
                        + " of "
                        + session.timesUs.length
                        + "): "
                        + what);
    }

    private static String at(long us) {
        return Arrays.toString(new double[] {us * 1e-6}).replaceAll("[\\[\\]]", "") + " s";
    }
}
