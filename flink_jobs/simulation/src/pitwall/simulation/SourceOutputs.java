package pitwall.simulation;

import org.apache.flink.runtime.event.WatermarkEvent;
import org.apache.flink.streaming.api.operators.source.TimestampsAndWatermarks;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.io.PushingAsyncDataInput;
import org.apache.flink.streaming.runtime.streamrecord.LatencyMarker;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.table.data.RowData;

/** What one source task gives: rows for the keyed task of their key, watermarks for all. */
final class SourceOutputs
        implements PushingAsyncDataInput.DataOutput<RowData>,
                TimestampsAndWatermarks.WatermarkUpdateListener {
    private final JobRun job;
    private final int source;

    SourceOutputs(JobRun job, int source) {
        this.job = job;
        this.source = source;
    }

    @Override
    public void emitRecord(StreamRecord<RowData> row) throws Exception {
        job.deliver(source, row.getValue());
    }

    @Override
    public void emitWatermark(Watermark watermark) {
        job.broadcast(source, watermark);
    }

    @Override
    public void emitWatermarkStatus(WatermarkStatus status) {
        job.broadcast(source, status);
    }

    @Override
    public void emitLatencyMarker(LatencyMarker marker) {}

    @Override
    public void emitRecordAttributes(RecordAttributes attributes) {}

    @Override
    public void emitWatermark(WatermarkEvent watermark) {}

    @Override
    public void updateIdle(boolean isIdle) {}

    @Override
    public void updateCurrentEffectiveWatermark(long watermark) {}

    @Override
    public void updateCurrentSplitWatermark(String split, long watermark) {}

    @Override
    public void updateCurrentSplitIdle(String split, boolean isIdle) {}

    @Override
    public void splitFinished(String split) {}
}
