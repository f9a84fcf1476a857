package pitwall.sinks.cassandra;

import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;

import java.nio.ByteBuffer;

/** Fields of Flink's rows in the bytes of CQL's native protocol, without an object per number. */
final class CqlValues {
    private CqlValues() {}

    /**
     * The bytes of field {@code i}, null for null. Maps are of text to bytes. Throws
     * IllegalArgumentException for a type that the sink does not write.
     */
    static ByteBuffer bytes(RowData row, int i, LogicalType type) {
        if (row.isNullAt(i)) {
            return null;
        }
        return switch (type.getTypeRoot()) {
            case VARCHAR, CHAR -> ByteBuffer.wrap(row.getString(i).toBytes());
            case VARBINARY, BINARY -> ByteBuffer.wrap(row.getBinary(i));
            case DOUBLE -> ByteBuffer.allocate(8).putDouble(0, row.getDouble(i));
            case FLOAT -> ByteBuffer.allocate(4).putFloat(0, row.getFloat(i));
            case BIGINT -> ByteBuffer.allocate(8).putLong(0, row.getLong(i));
            case INTEGER -> ByteBuffer.allocate(4).putInt(0, row.getInt(i));
            case BOOLEAN -> ByteBuffer.allocate(1).put(0, (byte) (row.getBoolean(i) ? 1 : 0));
            case TIMESTAMP_WITHOUT_TIME_ZONE, TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
                    timestamp(row.getTimestamp(i, LogicalTypeChecks.getPrecision(type)));
            case MAP -> map(row.getMap(i));
            default ->
                    throw new IllegalArgumentException(
                            "a column of type " + type + " cannot be written to Cassandra");
        };
    }

    private static ByteBuffer timestamp(TimestampData time) {
        return ByteBuffer.allocate(8).putLong(0, time.getMillisecond());
    }

    private static ByteBuffer map(MapData map) {
        ArrayData keys = map.keyArray();
        ArrayData values = map.valueArray();
        byte[][] parts = new byte[2 * map.size()][];
        int size = 4;
        for (int k = 0; k < map.size(); k++) {
            parts[2 * k] = keys.getString(k).toBytes();
            parts[2 * k + 1] = values.getBinary(k);
            size += 8 + parts[2 * k].length + parts[2 * k + 1].length;
        }
        ByteBuffer out = ByteBuffer.allocate(size).putInt(map.size());
        for (byte[] part : parts) {
            out.putInt(part.length).put(part);
        }
        return out.flip();
    }
}
