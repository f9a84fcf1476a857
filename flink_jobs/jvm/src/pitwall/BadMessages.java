package pitwall;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.Collector;

/** From messages to those that could not be read: error, raw, topic, part, off. Counted as {@code dead_letters}. */
final class BadMessages extends RichFlatMapFunction<RowData, RowData> {
    static final int ERROR = 6;
    private transient Counter counted;

    @Override
    public void open(OpenContext context) {
        counted = getRuntimeContext().getMetricGroup().addGroup("pitwall").counter("dead_letters");
    }

    @Override
    public void flatMap(RowData row, Collector<RowData> out) {
        if (!row.isNullAt(ERROR)) {
            counted.inc();
            out.collect(GenericRowData.of(
                    row.getString(ERROR), row.getBinary(ERROR + 1), row.getString(8), row.getInt(9), row.getLong(10)));
        }
    }
}
