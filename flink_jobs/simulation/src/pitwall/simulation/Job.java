package pitwall.simulation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The life of the job: it starts, takes checkpoints, fails, and is restored from its last completed
 * checkpoint. Times are milliseconds since the world began.
 */
final class Job {
    private static final long DISCOVERY_MS = 1000;
    private static final long RESTART_MS = 700;

    /** A time in which the job was not there. */
    record Outage(long fromMs, long toMs) {}

    final Sinks sinks;
    final List<Outage> outages = new ArrayList<>();

    long nextCheckpoint = 1;

    private final World world;
    private final Timeline timeline;
    private final Deque<JobTroubles.Failure> failures;
    private JobTroubles.Shape shape;
    private JobRun run;
    private JobRun.Snapshot last;

    /** {@code checkpointsUntilMs}: no checkpoint is of use later. */
    Job(World world, Timeline timeline, long checkpointsUntilMs) {
        this.world = world;
        this.timeline = timeline;
        sinks = new Sinks(world);
        failures = new ArrayDeque<>(world.job.failures);
        shape = world.job.first;
        timeline.at(0, now -> start());
        nextFailure();
        every(DISCOVERY_MS, () -> run.discover(timeline.now()));
        every(
                world.job.checkpointMs,
                () -> {
                    if (timeline.now() <= checkpointsUntilMs) {
                        run.checkpoint();
                    }
                });
    }

    private interface Chore {
        void run() throws Exception;
    }

    /** Does a chore again and again while the job runs. */
    private void every(long ms, Chore chore) {
        timeline.at(
                timeline.now() + ms,
                now -> {
                    if (run != null) {
                        chore.run();
                    }
                    every(ms, chore);
                });
    }

    private void start() throws Exception {
        run = new JobRun(world, timeline, this, shape, last);
    }

    private void nextFailure() {
        if (!failures.isEmpty()) {
            JobTroubles.Failure failure = failures.poll();
            timeline.at(failure.atMs(), now -> fail(failure.downMs(), failure.after()));
        }
    }

    private void fail(long downMs, JobTroubles.Shape after) throws Exception {
        shape = after;
        if (run != null) {
            stop(downMs);
        }
        nextFailure();
    }

    /** A sink failed: the job comes back in the same shape. */
    void sinkFailed() throws Exception {
        stop(RESTART_MS);
    }

    private void stop(long downMs) throws Exception {
        run.close();
        run = null;
        sinks.takeBack(last == null ? 0 : last.checkpoint);
        outages.add(new Outage(timeline.now(), timeline.now() + downMs));
        timeline.at(timeline.now() + downMs, now -> start());
    }

    boolean isRunning(JobRun candidate) {
        return run == candidate;
    }

    /** A checkpoint is complete: what was given before it is final. */
    void complete(JobRun.Snapshot snapshot) {
        last = snapshot;
        sinks.complete(snapshot.checkpoint);
    }

    /** The tasks; null while the job is down. */
    JobRun run() {
        return run;
    }
}
