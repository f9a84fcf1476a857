package pitwall;

import java.nio.ByteBuffer;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.MapType;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;

/** Values of Flink rows in the bytes of CQL's native protocol, without a box for each number. */
final class Cql {
    private Cql() {}

    /** One field, null where it is. Raises IllegalArgumentException for a type that is not written. */
    static ByteBuffer bytes(RowData row, int i, LogicalType type) {
        if (row.isNullAt(i)) {
            return null;
        }
        return switch (type.getTypeRoot()) {
            case VARCHAR, CHAR -> ByteBuffer.wrap(row.getString(i).toBytes());
            case DOUBLE -> ByteBuffer.allocate(8).putDouble(0, row.getDouble(i));
            case FLOAT -> ByteBuffer.allocate(4).putFloat(0, row.getFloat(i));
            case BIGINT -> ByteBuffer.allocate(8).putLong(0, row.getLong(i));
            case INTEGER -> ByteBuffer.allocate(4).putInt(0, row.getInt(i));
            case BOOLEAN -> ByteBuffer.allocate(1).put(0, (byte) (row.getBoolean(i) ? 1 : 0));
            case TIMESTAMP_WITHOUT_TIME_ZONE, TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
                ByteBuffer.allocate(8).putLong(0, row.getTimestamp(i, LogicalTypeChecks.getPrecision(type)).getMillisecond());
            case ARRAY -> {
                ArrayData list = row.getArray(i);
                yield list(ByteBuffer.allocate(size(list)), list, ((ArrayType) type).getElementType()).flip();
            }
            case MAP -> map(row.getMap(i), (MapType) type);
            default -> throw new IllegalArgumentException("column type " + type + " is not written to Cassandra");
        };
    }

    private static ByteBuffer map(MapData map, MapType type) {
        ArrayData keys = map.keyArray();
        ArrayData lists = map.valueArray();
        int size = 4;
        for (int k = 0; k < map.size(); k++) {
            size += 8 + keys.getString(k).toBytes().length + size(lists.getArray(k));
        }
        ByteBuffer out = ByteBuffer.allocate(size).putInt(map.size());
        for (int k = 0; k < map.size(); k++) {
            byte[] key = keys.getString(k).toBytes();
            ArrayData list = lists.getArray(k);
            out.putInt(key.length).put(key).putInt(size(list));
            list(out, list, ((ArrayType) type.getValueType()).getElementType());
        }
        return out.flip();
    }

    private static int size(ArrayData list) {
        return 4 + 12 * list.size();
    }

    private static ByteBuffer list(ByteBuffer out, ArrayData list, LogicalType of) {
        boolean doubles = of.getTypeRoot() == LogicalTypeRoot.DOUBLE;
        out.putInt(list.size());
        for (int i = 0; i < list.size(); i++) {
            out.putInt(8).putLong(doubles ? Double.doubleToRawLongBits(list.getDouble(i)) : list.getLong(i));
        }
        return out;
    }
}
