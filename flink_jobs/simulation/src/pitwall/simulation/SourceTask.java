package pitwall.simulation;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.runtime.metrics.groups.TaskIOMetricGroup;
import org.apache.flink.runtime.metrics.groups.UnregisteredMetricGroups;
import org.apache.flink.streaming.api.operators.source.TimestampsAndWatermarks;
import org.apache.flink.streaming.api.operators.util.PausableRelativeClock;
import org.apache.flink.table.data.RowData;

import pitwall.plan.Plan;
import pitwall.wire.CarReader;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * One subtask of the Kafka source: reads its partitions, turns messages into rows, and makes
 * watermarks with Flink's own classes, as {@code flink_jobs/features.sql} configures them.
 */
final class SourceTask extends Timeline.Part {
    /** {@code pipeline.auto-watermark-interval} of {@code pitwall.flink.cluster}, milliseconds. */
    private static final long WATERMARK_MS = 10;

    private static final int MOST_IN_A_POLL = 500;

    /** A partition that this task reads. */
    private final class Split {
        final PartitionLog log;
        long next;

        /** When it is first read. */
        final long fromMs;

        /** Flink's output of the partition; it is made when the first record was read. */
        SourceOutput<RowData> output;

        final QuietTime quiet = new QuietTime(idleMs, WATERMARK_MS);

        /** When the records before the next one could be read. */
        long readUntilMs;

        Split(PartitionLog log, long next, long fromMs) {
            this.log = log;
            this.next = next;
            this.fromMs = fromMs;
        }

        long nextReadableMs() {
            if (next >= log.size()) {
                return Timeline.NEVER;
            }
            long readableMs = log.readableMs(log.get(next).storedMs);
            return Math.max(readableMs, Math.max(fromMs, readUntilMs));
        }
    }

    private final Timeline timeline;
    private final JobRun job;
    private final long idleMs;
    private final RowReader reader;
    private final SplittableRandom random;
    private final List<Split> splits = new ArrayList<>();
    private final TaskIOMetricGroup metrics =
            UnregisteredMetricGroups.createUnregisteredTaskMetricGroup().getIOMetricGroup();
    private final TimestampsAndWatermarks<RowData> watermarks;
    private final ReaderOutput<RowData> output;
    private boolean isHeld;
    private long pollMs = Timeline.NEVER;
    private long emitMs;

    /** The output of no partition becomes idle, too. */
    private final QuietTime unused;

    /** How long the task was under back pressure, and since when it is. */
    private long heldMs;

    private long heldSinceMs;

    SourceTask(Timeline timeline, JobRun job, int index, Plan plan, SplittableRandom random) {
        this.timeline = timeline;
        this.job = job;
        this.random = random;
        idleMs = plan.idleMs;
        reader = new RowReader(new CarReader(plan));
        unused = QuietTime.ofUnused(idleMs, WATERMARK_MS);
        PausableRelativeClock clock = new PausableRelativeClock(timeline.clock());
        metrics.registerBackPressureListener(clock);
        watermarks =
                TimestampsAndWatermarks.createProgressiveEventTimeLogic(
                        WatermarkStrategy.forGenerator(context -> RecordTime.generator())
                                .withIdleness(Duration.ofMillis(idleMs)),
                        metrics,
                        null,
                        WATERMARK_MS,
                        clock,
                        timeline.clock(),
                        metrics);
        SourceOutputs outputs = new SourceOutputs(job, index);
        output = watermarks.createMainOutput(outputs, outputs);
        emitMs = timeline.now() + WATERMARK_MS;
        timeline.wakeAt(this, emitMs);
    }

    /** Reads a partition from this offset and this time on. */
    void assign(PartitionLog log, long offset, long fromMs) {
        splits.add(new Split(log, offset, fromMs));
        schedulePoll(timeline.now());
    }

    /** The offset of each partition that is read next. */
    Map<PartitionLog, Long> offsets() {
        Map<PartitionLog, Long> offsets = new TreeMap<>(Kafka.BY_NAME);
        for (Split split : splits) {
            offsets.put(split.log, split.next);
        }
        return offsets;
    }

    /** The keyed tasks have caught up: reading goes on. */
    void goOn(long now) {
        pollMs = now;
        timeline.wakeAt(this, now);
    }

    @Override
    void wake(long now) throws Exception {
        long standsUntilMs = job.sourceStandsUntil(now);
        if (standsUntilMs > now) {
            timeline.wakeAt(this, standsUntilMs);
            return;
        }
        if (pollMs <= now) {
            poll(now);
        }
        if (emitMs <= now) {
            emit(now);
        }
        timeline.wakeAt(this, Math.min(pollMs, emitMs));
    }

    private void poll(long now) throws Exception {
        pollMs = Timeline.NEVER;
        hold(job.isBackPressured());
        if (isHeld) {
            job.wakeWhenRelieved(this);
            return;
        }
        int first = splits.size() > 1 ? random.nextInt(splits.size()) : 0;
        int most = 1 + random.nextInt(MOST_IN_A_POLL);
        for (int i = 0; i < splits.size(); i++) {
            Split split = splits.get((first + i) % splits.size());
            for (int n = 0; n < most && split.nextReadableMs() <= now; n++) {
                read(split, now);
            }
        }
        schedulePoll(now + 1 + random.nextInt(4));
    }

    /** Under back pressure the clocks stand still by which partitions become idle. */
    private void hold(boolean held) {
        if (held && !isHeld) {
            metrics.getHardBackPressuredTimePerSecond().markStart();
            heldSinceMs = timeline.now();
        } else if (!held && isHeld) {
            metrics.getHardBackPressuredTimePerSecond().markEnd();
            heldMs += timeline.now() - heldSinceMs;
            emitMs = nextEmission(timeline.now());
        }
        isHeld = held;
    }

    private void schedulePoll(long notBeforeMs) {
        long next = Timeline.NEVER;
        for (Split split : splits) {
            next = Math.min(next, split.nextReadableMs());
        }
        pollMs = next == Timeline.NEVER ? next : Math.max(next, notBeforeMs);
        timeline.wakeAt(this, pollMs);
    }

    private void read(Split split, long now) {
        split.readUntilMs = split.nextReadableMs();
        KafkaRecord record = split.log.get(split.next++);
        record.readMs = now;
        if (split.output == null) {
            split.output = output.createOutputForSplit(split.log.name());
        }
        for (RowData row : reader.rows(record)) {
            split.output.collect(row, World.EPOCH_MS + record.createdMs);
        }
        split.quiet.record();
        emitMs = Math.min(emitMs, nextEmission(now));
    }

    private static long nextEmission(long now) {
        return (now / WATERMARK_MS + 1) * WATERMARK_MS;
    }

    /** Flink's periodic emission. It is left out where it could not change anything. */
    private void emit(long now) {
        watermarks.emitImmediateWatermark(World.EPOCH_MS + now);
        emitMs = afterEmission(unused, now);
        for (Split split : splits) {
            if (split.output != null) {
                emitMs = Math.min(emitMs, afterEmission(split.quiet, now));
            }
        }
    }

    private long afterEmission(QuietTime quiet, long now) {
        long clockMs = (isHeld ? heldSinceMs : now) - heldMs;
        quiet.emission(clockMs);
        long untilNextMs = quiet.untilNextMs(clockMs);
        return untilNextMs == Timeline.NEVER ? untilNextMs : nextEmission(now + untilNextMs - 1);
    }
}
