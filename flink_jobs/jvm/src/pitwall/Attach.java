package pitwall;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.MapType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarBinaryType;
import org.apache.flink.table.types.logical.VarCharType;
import org.apache.flink.util.OutputTag;

/** Hangs the feature operator behind the table of parsed messages. The source is read once. */
public final class Attach {
    private static final int ERROR = 6;

    private Attach() {}

    /** From view {@code source} to the views {@code features}, {@code bad_messages}, {@code late_ticks} and {@code history}. */
    public static void attach(StreamTableEnvironment tables, String source, String planJson) {
        Plan plan = new Plan(planJson);
        LogicalType text = VarCharType.STRING_TYPE;
        Table table = tables.from(source);
        DataType rowType = table.getResolvedSchema().toSourceRowDataType().bridgedTo(RowData.class);
        DataStream<RowData> messages = tables.toDataStream(table, rowType);

        InternalTypeInfo<RowData> badType = InternalTypeInfo.of(RowType.of(
                new LogicalType[] {text, new VarBinaryType(VarBinaryType.MAX_LENGTH), text, new IntType(), new BigIntType()},
                new String[] {"error", "raw", "topic", "part", "off"}));
        DataStream<RowData> bad = messages.filter(row -> !row.isNullAt(ERROR))
                .map(row -> (RowData) GenericRowData.of(
                        row.getString(ERROR), row.getBinary(ERROR + 1), row.getString(8), row.getInt(9), row.getLong(10)))
                .returns(badType)
                .uid("bad-messages");

        InternalTypeInfo<RowData> keyType =
                InternalTypeInfo.of(RowType.of(new LogicalType[] {text, text}, new String[] {"vehicle", "session"}));
        List<LogicalType> types = new ArrayList<>(
                List.of(text, text, new LocalZonedTimestampType(6), new LocalZonedTimestampType(3)));
        List<String> names = new ArrayList<>(List.of("vehicle", "session", "event_timestamp", "created_timestamp"));
        for (Plan.Feature feature : plan.features) {
            types.add(new DoubleType());
            names.add(feature.name());
        }
        InternalTypeInfo<RowData> outType = InternalTypeInfo.of(
                RowType.of(types.toArray(new LogicalType[0]), names.toArray(new String[0])));
        SingleOutputStreamOperator<RowData> features = messages.filter(row -> row.isNullAt(ERROR))
                .keyBy(new SessionKey(), keyType)
                .process(new FeatureOperator(plan), outType)
                .uid("features")
                .name("features");
        InternalTypeInfo<RowData> historyType = InternalTypeInfo.of(RowType.of(
                new LogicalType[] {
                    text, text, new IntType(false), new BigIntType(false), new BigIntType(false), new LocalZonedTimestampType(6),
                    new VarBinaryType(VarBinaryType.MAX_LENGTH),
                    new MapType(VarCharType.STRING_TYPE.copy(false), new VarBinaryType(false, VarBinaryType.MAX_LENGTH))
                },
                new String[] {"vehicle", "session", "bucket", "start_us", "digest", "event_timestamp", "times_us", "channels"}));

        view(tables, "features", features, names, types);
        view(tables, "bad_messages", bad, badType);
        view(tables, "late_ticks", features.getSideOutput(new OutputTag<>("late", badType)), badType);
        view(tables, "history", features.getSideOutput(new OutputTag<>("history", historyType)), historyType);
    }

    private static void view(StreamTableEnvironment tables, String name, DataStream<RowData> stream, InternalTypeInfo<RowData> type) {
        RowType row = type.toRowType();
        view(tables, name, stream, row.getFieldNames(), row.getChildren());
    }

    private static void view(
            StreamTableEnvironment tables, String name, DataStream<RowData> stream, List<String> names, List<LogicalType> types) {
        List<DataTypes.Field> fields = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            fields.add(DataTypes.FIELD(
                    names.get(i), org.apache.flink.table.types.utils.TypeConversions.fromLogicalToDataType(types.get(i))));
        }
        DataType row = DataTypes.ROW(fields.toArray(new DataTypes.Field[0])).notNull().bridgedTo(RowData.class);
        tables.createTemporaryView(name, tables.fromDataStream(stream, Schema.newBuilder().fromRowDataType(row).build()));
    }
}
