package pitwall.simulation;

import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.table.data.RowData;

import pitwall.job.OperatorAccess;
import pitwall.plan.Plan;
import pitwall.wire.TelemetryRow;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** The tasks of the job from one start to its end or failure, and the queues between them. */
final class JobRun {
    /** Sources stop reading while so many elements wait for a keyed task. */
    private static final int BACK_PRESSURE = 1000;

    private static final KeySelector<RowData, RowData> KEY = OperatorAccess.key();

    /** What a checkpoint holds: how far the sources are, and the state of each keyed task. */
    static final class Snapshot {
        final long checkpoint;
        final int keyed;
        final Map<PartitionLog, Long> offsets = new TreeMap<>(Kafka.BY_NAME);
        final OperatorSubtaskState[] states;
        private int missing;

        private Snapshot(long checkpoint, int keyed) {
            this.checkpoint = checkpoint;
            this.keyed = keyed;
            states = new OperatorSubtaskState[keyed];
            missing = keyed;
        }
    }

    final JobTroubles.Shape shape;

    /** Keyed tasks of the snapshot that was restored. */
    final int restoredKeyed;

    final long firstCheckpoint;
    final long startedMs;
    private final World world;
    private final Timeline timeline;
    private final Job job;
    private final SplittableRandom random;
    private final List<SourceTask> sources = new ArrayList<>();
    private final List<KeyedTask> keyed = new ArrayList<>();
    private final ElementQueue[][] queues;
    private final Set<SourceTask> held = new LinkedHashSet<>();
    private final Set<PartitionLog> assigned = new LinkedHashSet<>();
    private Snapshot snapshot;

    /** Starts the tasks. {@code restored}: what they begin with; null for nothing. */
    JobRun(World world, Timeline timeline, Job job, JobTroubles.Shape shape, Snapshot restored)
            throws Exception {
        this.world = world;
        this.timeline = timeline;
        this.job = job;
        this.shape = shape;
        startedMs = timeline.now();
        firstCheckpoint = job.nextCheckpoint;
        random = world.choices.draw("run" + startedMs);
        restoredKeyed = restored == null ? shape.keyed() : restored.keyed;
        queues = new ElementQueue[shape.sources()][shape.keyed()];
        Plan plan = world.plans.get(shape.definitions());
        for (int s = 0; s < shape.sources(); s++) {
            for (int k = 0; k < shape.keyed(); k++) {
                queues[s][k] = new ElementQueue();
            }
            sources.add(new SourceTask(timeline, this, s, plan, random.split()));
        }
        OperatorSubtaskState state =
                restored == null
                        ? null
                        : AbstractStreamOperatorTestHarness.repackageState(restored.states);
        for (int k = 0; k < shape.keyed(); k++) {
            List<ElementQueue> inputs = new ArrayList<>();
            for (ElementQueue[] row : queues) {
                inputs.add(row[k]);
            }
            keyed.add(new KeyedTask(timeline, this, k, plan, inputs, state));
        }
        if (restored != null) {
            for (Map.Entry<PartitionLog, Long> split : restored.offsets.entrySet()) {
                long comesBackMs = startedMs + 200 + random.nextLong(world.job.comebackMs);
                split.getKey().restored(split.getValue(), comesBackMs);
                assign(
                        split.getKey(),
                        random.nextInt(sources.size()),
                        split.getValue(),
                        comesBackMs);
            }
        }
        discover(startedMs + 300);
    }

    /** Reads the topics that exist. */
    void discover(long now) {
        for (PartitionLog log : world.kafka.logs) {
            if (log.createdMs <= now && !assigned.contains(log)) {
                int owner = owner(log, sources.size());
                assign(log, owner, 0, now + 5 + random.nextInt(300) + log.lateFirstReadMs);
            }
        }
    }

    private void assign(PartitionLog log, int source, long offset, long fromMs) {
        assigned.add(log);
        sources.get(source).assign(log, offset, fromMs);
    }

    /** Flink's rule for which task reads a new partition. */
    private static int owner(PartitionLog log, int tasks) {
        int first = (log.topic.hashCode() * 31 & 0x7FFFFFFF) % tasks;
        return (first + log.partition) % tasks;
    }

    Sinks sinks() {
        return job.sinks;
    }

    /** Sends a row to the keyed task of its session, or a bad message to the dead letters. */
    void deliver(int source, RowData row) throws Exception {
        if (!row.isNullAt(TelemetryRow.ERROR)) {
            job.sinks.unreadable(row, timeline.now(), job.nextCheckpoint);
            return;
        }
        int target =
                KeyGroupRangeAssignment.assignKeyToParallelOperator(
                        KEY.getKey(row), KeyedTask.MAX_PARALLELISM, shape.keyed());
        send(source, target, row);
    }

    void broadcast(int source, Object element) {
        for (int k = 0; k < keyed.size(); k++) {
            send(source, k, element);
        }
    }

    private void send(int source, int target, Object element) {
        long arrivesMs = timeline.now() + 1 + random.nextInt(2);
        arrivesMs = queues[source][target].add(arrivesMs, element);
        timeline.wakeAt(keyed.get(target), arrivesMs);
    }

    /** Sends the barriers of a checkpoint, unless the one before is not complete. */
    void checkpoint() {
        if (snapshot != null) {
            return;
        }
        snapshot = new Snapshot(job.nextCheckpoint++, keyed.size());
        for (int s = 0; s < sources.size(); s++) {
            snapshot.offsets.putAll(sources.get(s).offsets());
            broadcast(s, new ElementQueue.Barrier(snapshot.checkpoint));
        }
    }

    /** A keyed task has its snapshot; with the last one the checkpoint completes a bit later. */
    void snapshotted(int task, OperatorSubtaskState state) {
        snapshot.states[task] = state;
        if (--snapshot.missing == 0) {
            Snapshot whole = snapshot;
            timeline.at(timeline.now() + 5 + random.nextInt(300), now -> complete(whole));
        }
    }

    private void complete(Snapshot whole) throws Exception {
        if (job.isRunning(this)) {
            snapshot = null;
            job.complete(whole);
            for (KeyedTask task : keyed) {
                task.completed(whole.checkpoint);
            }
        }
    }

    void sinkFailed() throws Exception {
        job.sinkFailed();
    }

    boolean isBackPressured() {
        return keyed.stream().anyMatch(task -> task.backlog() > BACK_PRESSURE);
    }

    void wakeWhenRelieved(SourceTask source) {
        held.add(source);
    }

    /** Sources that were held up go on when the backlog is short. */
    void relieve() {
        if (!held.isEmpty()
                && keyed.stream().allMatch(task -> task.backlog() < BACK_PRESSURE / 2)) {
            held.forEach(source -> source.goOn(timeline.now()));
            held.clear();
        }
    }

    /** Until when a source task stands still. */
    long sourceStandsUntil(long now) {
        return standsUntil(Integer.MAX_VALUE, now);
    }

    /** Until when a keyed task stands still. */
    long keyedStandsUntil(int task, long now) {
        return standsUntil(task, now);
    }

    private long standsUntil(int task, long now) {
        long until = now;
        for (JobTroubles.Slowness slow : world.job.slowness) {
            if (slow.rowMs() == 0 && slow.covers(task, now)) {
                until = Math.max(until, slow.toMs());
            }
        }
        return until;
    }

    /** Until when a keyed task is busy that has just given so many rows. */
    long busyUntil(int task, long now, int rows) {
        long until = now;
        for (JobTroubles.Slowness slow : world.job.slowness) {
            if (slow.covers(task, now)) {
                until = Math.max(until, Math.min(slow.toMs(), now + rows * slow.rowMs()));
            }
        }
        return until;
    }

    /** When Kafka was last away, as the job's watch sees it. */
    long lastAwayMs(long now) {
        return world.kafka.lastAwayMs(now, startedMs);
    }

    /** All partitions have been read up to this virtual time. */
    void pass(long ms) throws Exception {
        for (KeyedTask task : keyed) {
            task.pass(ms);
        }
    }

    /** The state of all keyed tasks. */
    StateSize stateSize() {
        return keyed.stream().map(KeyedTask::stateSize).reduce(StateSize.NONE, StateSize::plus);
    }

    void close() throws Exception {
        for (SourceTask source : sources) {
            timeline.forget(source);
        }
        for (KeyedTask task : keyed) {
            task.close();
        }
    }
}
