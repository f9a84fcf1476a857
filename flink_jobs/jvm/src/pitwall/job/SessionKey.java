package pitwall.job;

import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.data.writer.BinaryRowWriter;

import pitwall.wire.TelemetryRow;

/**
 * The key of a tick: vehicle and session, as a binary row. The hash of a key must be the same after
 * it was read back from a checkpoint, and that of a generic row is not.
 */
final class SessionKey implements KeySelector<RowData, RowData> {
    private static final int INITIAL_BYTES = 96;

    @Override
    public RowData getKey(RowData tick) {
        BinaryRowData key = new BinaryRowData(2);
        BinaryRowWriter writer = new BinaryRowWriter(key, INITIAL_BYTES);
        writer.writeString(0, (BinaryStringData) tick.getString(TelemetryRow.VEHICLE));
        writer.writeString(1, (BinaryStringData) tick.getString(TelemetryRow.SESSION));
        writer.complete();
        return key;
    }
}
