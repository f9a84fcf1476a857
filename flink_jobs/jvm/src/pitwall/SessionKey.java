package pitwall;

import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.binary.BinaryRowData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.data.writer.BinaryRowWriter;

/**
 * Vehicle and session of a tick, in Flink's binary form: the key's hash must be the same when it is read back from a
 * checkpoint, and a generic row's is not.
 */
final class SessionKey implements KeySelector<RowData, RowData> {
    @Override
    public RowData getKey(RowData tick) {
        BinaryStringData vehicle = (BinaryStringData) tick.getString(0);
        BinaryStringData session = (BinaryStringData) tick.getString(1);
        BinaryRowData key = new BinaryRowData(2);
        BinaryRowWriter writer = new BinaryRowWriter(key, 96);
        writer.writeString(0, vehicle);
        writer.writeString(1, session);
        writer.complete();
        return key;
    }
}
