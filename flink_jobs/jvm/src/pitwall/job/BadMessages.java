package pitwall.job;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.Collector;

import pitwall.wire.TelemetryRow;

/**
 * Passes on the messages that cannot be read, as rows (error, raw, topic, part, off). Counts them
 * in the metric {@code dead_letters}.
 */
final class BadMessages extends RichFlatMapFunction<RowData, RowData> {
    private transient Counter deadLetters;

    @Override
    public void open(OpenContext context) {
        deadLetters =
                getRuntimeContext().getMetricGroup().addGroup("pitwall").counter("dead_letters");
    }

    @Override
    public void flatMap(RowData row, Collector<RowData> out) {
        if (!row.isNullAt(TelemetryRow.ERROR)) {
            deadLetters.inc();
            out.collect(
                    GenericRowData.of(
                            row.getString(TelemetryRow.ERROR),
                            row.getBinary(TelemetryRow.RAW),
                            row.getString(TelemetryRow.TOPIC),
                            row.getInt(TelemetryRow.PARTITION),
                            row.getLong(TelemetryRow.OFFSET)));
        }
    }
}
