package pitwall.job;

import org.apache.flink.table.data.RowData;

import pitwall.ticks.Tick;
import pitwall.wire.TelemetryRow;

/** Reads ticks out of rows with the fields of {@link TelemetryRow}. */
final class RowTicks {
    private RowTicks() {}

    /** The tick of a row that carries no error. */
    static Tick tick(RowData row) {
        boolean hasExtras = !row.isNullAt(TelemetryRow.EXTRAS);
        return new Tick(
                row.getLong(TelemetryRow.TIME_US),
                row.getBinary(TelemetryRow.SAMPLES),
                hasExtras ? row.getString(TelemetryRow.EXTRAS).toString() : null,
                row.getString(TelemetryRow.TOPIC).toString(),
                row.getInt(TelemetryRow.PARTITION),
                row.getLong(TelemetryRow.OFFSET),
                row.getTimestamp(TelemetryRow.RECORD_TIME, 3).getMillisecond());
    }
}
