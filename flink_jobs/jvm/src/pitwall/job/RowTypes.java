package pitwall.job;

import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.MapType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarBinaryType;
import org.apache.flink.table.types.logical.VarCharType;

import pitwall.plan.Feature;
import pitwall.plan.Plan;

import java.util.ArrayList;
import java.util.List;

/** The types of the rows that leave the operators. */
final class RowTypes {
    private static final LogicalType TEXT = VarCharType.STRING_TYPE;
    private static final LogicalType BYTES = new VarBinaryType(VarBinaryType.MAX_LENGTH);

    private RowTypes() {}

    /** Vehicle and session. */
    static InternalTypeInfo<RowData> key() {
        return type(List.of("vehicle", "session"), List.of(TEXT, TEXT));
    }

    /** Dead letters: messages that cannot be read, and late ticks. */
    static InternalTypeInfo<RowData> deadLetters() {
        return type(
                List.of("error", "raw", "topic", "part", "off"),
                List.of(TEXT, BYTES, TEXT, new IntType(), new BigIntType()));
    }

    /** Rows of the table {@code telemetry_history}. */
    static InternalTypeInfo<RowData> history() {
        return type(
                List.of(
                        "vehicle",
                        "session",
                        "bucket",
                        "start_us",
                        "digest",
                        "event_timestamp",
                        "times_us",
                        "channels"),
                List.of(
                        TEXT,
                        TEXT,
                        new IntType(false),
                        new BigIntType(false),
                        new BigIntType(false),
                        new LocalZonedTimestampType(6),
                        BYTES,
                        new MapType(TEXT.copy(false), BYTES.copy(false))));
    }

    /** Rows of a feature view: keys, event time, Kafka time, and a double for each feature. */
    static InternalTypeInfo<RowData> features(Plan plan) {
        List<String> names =
                new ArrayList<>(
                        List.of("vehicle", "session", "event_timestamp", "created_timestamp"));
        List<LogicalType> types =
                new ArrayList<>(
                        List.of(
                                TEXT,
                                TEXT,
                                new LocalZonedTimestampType(6),
                                new LocalZonedTimestampType(3)));
        for (Feature feature : plan.features) {
            names.add(feature.name());
            types.add(new DoubleType());
        }
        return type(names, types);
    }

    private static InternalTypeInfo<RowData> type(List<String> names, List<LogicalType> types) {
        return InternalTypeInfo.of(
                RowType.of(types.toArray(new LogicalType[0]), names.toArray(new String[0])));
    }
}
