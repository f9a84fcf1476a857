package pitwall.simulation;

import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.io.PushingAsyncDataInput;
import org.apache.flink.streaming.runtime.streamrecord.LatencyMarker;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.StatusWatermarkValve;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.ExceptionUtils;
import org.apache.flink.util.OutputTag;

import pitwall.job.OperatorAccess;
import pitwall.plan.Plan;

import java.util.List;

/**
 * One subtask of the feature operator, in Flink's test harness: takes elements from its queues,
 * fires timers by virtual time, takes snapshots.
 */
final class KeyedTask extends Timeline.Part {
    static final int MAX_PARALLELISM = 128;

    private final Timeline timeline;
    private final JobRun job;
    private final int index;
    private final int definitions;
    private final List<ElementQueue> queues;
    private final StatusWatermarkValve valve;
    private final OperatorAccess access;
    private final KeyedOneInputStreamOperatorTestHarness<RowData, RowData, RowData> harness;
    private final Input input = new Input();
    private long busyUntilMs;
    private int barriers;
    private int rowsGiven;

    /** The checkpoint that the next barrier belongs to. */
    private long checkpoint;

    private boolean isClosed;

    /** {@code state}: what is restored; null for a new job. */
    KeyedTask(
            Timeline timeline,
            JobRun job,
            int index,
            Plan plan,
            List<ElementQueue> queues,
            OperatorSubtaskState state)
            throws Exception {
        this.timeline = timeline;
        this.job = job;
        this.index = index;
        this.queues = queues;
        definitions = job.shape.definitions();
        checkpoint = job.firstCheckpoint;
        valve = new StatusWatermarkValve(queues.size());
        access = OperatorAccess.create(plan, state == null, World.EPOCH_MS + timeline.now());
        harness =
                new KeyedOneInputStreamOperatorTestHarness<>(
                        access.operator(),
                        OperatorAccess.key(),
                        OperatorAccess.keyType(),
                        new MockEnvironmentBuilder()
                                .setIOManager(Machine.IO)
                                .setMemoryManager(Machine.memory())
                                .setMaxParallelism(MAX_PARALLELISM)
                                .setParallelism(job.shape.keyed())
                                .setSubtaskIndex(index)
                                .build());
        harness.setOutputCreator(serializer -> new Rows());
        harness.setProcessingTime(World.EPOCH_MS + timeline.now());
        harness.setup();
        if (state != null) {
            harness.initializeState(
                    KeyedOneInputStreamOperatorTestHarness.repartitionOperatorState(
                            state, MAX_PARALLELISM, job.restoredKeyed, job.shape.keyed(), index));
        }
        harness.open();
        timeline.wakeAt(this, timeline.now() + 1);
    }

    @Override
    void wake(long now) throws Exception {
        long standsUntilMs = Math.max(busyUntilMs, job.keyedStandsUntil(index, now));
        if (standsUntilMs > now) {
            timeline.wakeAt(this, standsUntilMs);
            return;
        }
        try {
            work(now);
        } catch (Exception e) {
            if (!ExceptionUtils.findThrowable(e, Sinks.SinkFailure.class).isPresent()) {
                throw e;
            }
            job.sinkFailed();
        }
        if (!isClosed) {
            timeline.wakeAt(this, Math.max(busyUntilMs, Math.min(nextInputMs(), nextTimerMs())));
            job.relieve();
        }
    }

    /** Fires the timers that are due and takes what has arrived, as long as the sinks keep up. */
    private void work(long now) throws Exception {
        access.kafkaAway(World.EPOCH_MS + job.lastAwayMs(now));
        rowsGiven = 0;
        harness.setProcessingTime(World.EPOCH_MS + now);
        while (rest(now) && nextInputMs() <= now) {
            take(first());
        }
    }

    /** Whether the task goes on now; a slow sink makes it wait for each row. */
    private boolean rest(long now) {
        busyUntilMs = Math.max(busyUntilMs, job.busyUntil(index, now, rowsGiven));
        rowsGiven = 0;
        return busyUntilMs <= now;
    }

    private void take(ElementQueue queue) throws Exception {
        Object what = queue.take();
        int from = queues.indexOf(queue);
        if (what instanceof RowData row) {
            harness.processElement(new StreamRecord<>(row));
        } else if (what instanceof Watermark watermark) {
            valve.inputWatermark(watermark, from, input);
        } else if (what instanceof WatermarkStatus status) {
            valve.inputWatermarkStatus(status, from, input);
        } else {
            barrier(queue);
        }
    }

    private void barrier(ElementQueue queue) throws Exception {
        queue.isBlocked = true;
        if (++barriers == queues.size()) {
            barriers = 0;
            OperatorSubtaskState state = harness.snapshot(checkpoint, timeline.now());
            queues.forEach(blocked -> blocked.isBlocked = false);
            checkpoint++;
            job.snapshotted(index, state);
        }
    }

    private ElementQueue first() {
        ElementQueue first = null;
        for (ElementQueue queue : queues) {
            if (first == null || queue.nextMs() < first.nextMs()) {
                first = queue;
            }
        }
        return first;
    }

    private long nextInputMs() {
        return first().nextMs();
    }

    /** When the next timer fires: Flink waits one millisecond longer than asked. */
    private long nextTimerMs() {
        long next = Timeline.NEVER;
        for (long timer : harness.getProcessingTimeService().getActiveTimerTimestamps()) {
            next = Math.min(next, timer - World.EPOCH_MS + 1);
        }
        return next;
    }

    /** Elements that wait. */
    int backlog() {
        return queues.stream().mapToInt(ElementQueue::size).sum();
    }

    void completed(long checkpoint) throws Exception {
        harness.notifyOfCompletedCheckpoint(checkpoint);
    }

    /** All partitions have been read up to this virtual time. */
    void pass(long ms) throws Exception {
        harness.setProcessingTime(World.EPOCH_MS + timeline.now());
        harness.processWatermark(new Watermark(World.EPOCH_MS + ms));
    }

    /** Bytes of the keyed state on the heap, and the number of keys. */
    StateSize stateSize() {
        return StateSize.of(harness.getOperator().getKeyedStateBackend());
    }

    void close() throws Exception {
        isClosed = true;
        timeline.forget(this);
        harness.getOperator().close();
    }

    /** Gives rows and side outputs to the sinks. */
    private final class Rows implements Output<StreamRecord<RowData>> {
        @Override
        public void collect(StreamRecord<RowData> row) {
            rowsGiven++;
            job.sinks().row(row.getValue(), definitions, timeline.now(), checkpoint);
        }

        @Override
        public <X> void collect(OutputTag<X> tag, StreamRecord<X> row) {
            if (OperatorAccess.isLate(tag)) {
                job.sinks().late((RowData) row.getValue(), timeline.now(), checkpoint);
            } else if (OperatorAccess.isHistory(tag)) {
                job.sinks().history((RowData) row.getValue());
            }
        }

        @Override
        public void emitWatermark(Watermark mark) {}

        @Override
        public void emitWatermarkStatus(WatermarkStatus status) {}

        @Override
        public void emitLatencyMarker(LatencyMarker marker) {}

        @Override
        public void emitRecordAttributes(RecordAttributes attributes) {}

        @Override
        public void emitWatermark(WatermarkEvent watermark) {}

        @Override
        public void close() {}
    }

    /** Gives the merged watermarks of all queues to the operator. */
    private final class Input implements PushingAsyncDataInput.DataOutput<RowData> {
        @Override
        public void emitWatermark(Watermark watermark) throws Exception {
            harness.processWatermark(watermark);
        }

        @Override
        public void emitWatermarkStatus(WatermarkStatus status) throws Exception {
            harness.processWatermarkStatus(status);
        }

        @Override
        public void emitRecord(StreamRecord<RowData> row) {
            throw new UnsupportedOperationException("rows come from the queues");
        }

        @Override
        public void emitLatencyMarker(LatencyMarker marker) {}

        @Override
        public void emitRecordAttributes(RecordAttributes attributes) {}

        @Override
        public void emitWatermark(WatermarkEvent watermark) {}
    }
}
