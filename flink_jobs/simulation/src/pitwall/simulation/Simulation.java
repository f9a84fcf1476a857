package pitwall.simulation;

import java.util.List;

/** Runs one world from its beginning until its state must be gone, and judges it. */
final class Simulation {
    /** After the last record was read, every tick has left within so much time. */
    private static final long DRAIN_MS = 60_000;

    /** After the burst its ticks have left within so much time. */
    private static final long AFTER_BURST_MS = 3000;

    /** What a world showed. */
    record Verdict(
            Choices choices,
            List<String> story,
            List<Breach> breaches,
            long activeMs,
            long drivenMs,
            int rows,
            int lateTicks,
            Sample sample) {
        /** The first promise that was broken; null for none. */
        Promise broken() {
            return breaches.isEmpty() ? null : breaches.get(0).promise();
        }
    }

    private Simulation() {}

    /** Runs the world of these choices. Never throws for what the operator does. */
    static Verdict run(Choices choices, Plans definitions) {
        return run(choices, definitions, null);
    }

    /** The same with an outcome that is spoiled before the judge sees it; null for none. */
    static Verdict run(Choices choices, Plans definitions, Spoil spoil) {
        World world = new World(choices, definitions);
        Timeline timeline = new Timeline();
        long activeMs = activeMs(world);
        Job job = new Job(world, timeline, activeMs);
        Judge judge = new Judge(world, job.sinks);
        StateSize[] afterBurst = {StateSize.NONE};
        try {
            if (world.burst > 0) {
                timeline.at(
                        world.burstEndMs + AFTER_BURST_MS,
                        now -> {
                            if (job.run() != null) {
                                afterBurst[0] = job.run().stateSize();
                            }
                        });
            }
            timeline.run(activeMs + world.plans.get(0).releaseMs + 2 * DRAIN_MS);
            // Sessions are released by what is read after them.
            job.run().pass(timeline.now());
            judge.judgeState(afterBurst[0], world.burst, job.run().stateSize());
            job.run().close();
        } catch (Exception e) {
            judge.breach(Promise.NO_EXCEPTION, Story.seconds(timeline.now()) + ": " + origin(e));
            return verdict(world, judge.breaches(), activeMs, job.sinks);
        }
        if (spoil != null) {
            spoil.apply(job.sinks);
        }
        return verdict(world, judge.breaches(job.outages), activeMs, job.sinks);
    }

    private static Verdict verdict(World world, List<Breach> breaches, long activeMs, Sinks sinks) {
        int late = 0;
        for (Letter letter : sinks.letters) {
            late += letter.isLate && !letter.isTakenBack ? 1 : 0;
        }
        return new Verdict(
                world.choices,
                world.story.lines(),
                breaches,
                activeMs,
                world.drivenMs,
                sinks.rows.size(),
                late,
                Sample.of(world, sinks));
    }

    /** When the last record was read and all troubles are over. */
    private static long activeMs(World world) {
        long ms = world.lastReadableMs;
        for (JobTroubles.Failure failure : world.job.failures) {
            ms = Math.max(ms, failure.atMs() + failure.downMs());
        }
        for (JobTroubles.Slowness slow : world.job.slowness) {
            ms = Math.max(ms, slow.toMs());
        }
        return ms + world.job.comebackMs + DRAIN_MS;
    }

    /** The innermost exception and where it came from. */
    private static String origin(Throwable e) {
        while (e.getCause() != null && e.getCause() != e) {
            e = e.getCause();
        }
        StackTraceElement[] trace = e.getStackTrace();
        return e + (trace.length > 0 ? " in " + trace[0] : "");
    }
}
