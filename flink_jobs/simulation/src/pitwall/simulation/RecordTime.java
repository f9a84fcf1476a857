package pitwall.simulation;

import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.generated.GeneratedWatermarkGeneratorSupplier;
import org.apache.flink.table.runtime.generated.WatermarkGenerator;
import org.apache.flink.table.watermark.WatermarkEmitStrategy;

import pitwall.wire.TelemetryRow;

/** What Flink generates for {@code WATERMARK FOR record_time AS record_time}. */
final class RecordTime extends WatermarkGenerator {
    private static final long serialVersionUID = 1;

    private RecordTime() {}

    /** A generator of a partition's watermarks, as a table source has it. */
    static org.apache.flink.api.common.eventtime.WatermarkGenerator<RowData> generator() {
        return new GeneratedWatermarkGeneratorSupplier.DefaultWatermarkGenerator(
                new RecordTime(), WatermarkEmitStrategy.ON_PERIODIC);
    }

    @Override
    public long extractTimestamp(RowData row) {
        return currentWatermark(row);
    }

    @Override
    public Long currentWatermark(RowData row) {
        return row.getTimestamp(TelemetryRow.RECORD_TIME, 3).getMillisecond();
    }
}
