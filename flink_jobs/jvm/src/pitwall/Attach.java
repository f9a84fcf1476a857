package pitwall;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
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

/** Hangs the feature operators, one a view, behind the table of parsed messages. The source is read once. */
public final class Attach {
    static final int ERROR = 6;

    private Attach() {}

    /**
     * From view {@code source} to {@code features_NAME} for each feature view, and {@code bad_messages}, {@code late_ticks}
     * and {@code history} of all. A session goes to the first view that takes its vehicle; the last one takes every vehicle
     * and keeps its state whatever views come before it.
     */
    public static void attach(StreamTableEnvironment tables, String source, String[] planJsons) {
        List<Plan> plans = Stream.of(planJsons).map(Plan::new).toList();
        LogicalType text = VarCharType.STRING_TYPE;
        Table table = tables.from(source);
        DataType rowType = table.getResolvedSchema().toSourceRowDataType().bridgedTo(RowData.class);
        DataStream<RowData> messages = tables.toDataStream(table, rowType);

        InternalTypeInfo<RowData> badType = InternalTypeInfo.of(RowType.of(
                new LogicalType[] {text, new VarBinaryType(VarBinaryType.MAX_LENGTH), text, new IntType(), new BigIntType()},
                new String[] {"error", "raw", "topic", "part", "off"}));
        DataStream<RowData> bad = messages.flatMap(new BadMessages()).returns(badType).uid("bad-messages");

        InternalTypeInfo<RowData> keyType =
                InternalTypeInfo.of(RowType.of(new LogicalType[] {text, text}, new String[] {"vehicle", "session"}));
        InternalTypeInfo<RowData> historyType = InternalTypeInfo.of(RowType.of(
                new LogicalType[] {
                    text, text, new IntType(false), new BigIntType(false), new BigIntType(false), new LocalZonedTimestampType(6),
                    new VarBinaryType(VarBinaryType.MAX_LENGTH),
                    new MapType(VarCharType.STRING_TYPE.copy(false), new VarBinaryType(false, VarBinaryType.MAX_LENGTH))
                },
                new String[] {"vehicle", "session", "bucket", "start_us", "digest", "event_timestamp", "times_us", "channels"}));

        DataStream<RowData> late = null;
        DataStream<RowData> history = null;
        for (int i = 0; i < plans.size(); i++) {
            Plan plan = plans.get(i);
            String name = i == plans.size() - 1 ? "features" : "features-" + plan.view;
            InternalTypeInfo<RowData> type = rows(plan);
            SingleOutputStreamOperator<RowData> features = messages.filter(new Route(plans, i))
                    .keyBy(new SessionKey(), keyType)
                    .process(new FeatureOperator(plan), type)
                    .uid(name)
                    .name(name);
            view(tables, "features_" + plan.view, features, type);
            DataStream<RowData> itsLate = features.getSideOutput(new OutputTag<>("late", badType));
            DataStream<RowData> itsHistory = features.getSideOutput(new OutputTag<>("history", historyType));
            late = late == null ? itsLate : late.union(itsLate);
            history = history == null ? itsHistory : history.union(itsHistory);
        }
        view(tables, "bad_messages", bad, badType);
        view(tables, "late_ticks", late, badType);
        view(tables, "history", history, historyType);
    }

    /** The type of a view's rows: vehicle, session, event_timestamp, created_timestamp, features. */
    private static InternalTypeInfo<RowData> rows(Plan plan) {
        LogicalType text = VarCharType.STRING_TYPE;
        List<LogicalType> types = new ArrayList<>(
                List.of(text, text, new LocalZonedTimestampType(6), new LocalZonedTimestampType(3)));
        List<String> names = new ArrayList<>(List.of("vehicle", "session", "event_timestamp", "created_timestamp"));
        for (Plan.Feature feature : plan.features) {
            types.add(new DoubleType());
            names.add(feature.name());
        }
        return InternalTypeInfo.of(RowType.of(types.toArray(new LogicalType[0]), names.toArray(new String[0])));
    }

    private static void view(StreamTableEnvironment tables, String name, DataStream<RowData> stream, InternalTypeInfo<RowData> type) {
        List<String> names = type.toRowType().getFieldNames();
        List<LogicalType> types = type.toRowType().getChildren();
        List<DataTypes.Field> fields = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            fields.add(DataTypes.FIELD(
                    names.get(i), org.apache.flink.table.types.utils.TypeConversions.fromLogicalToDataType(types.get(i))));
        }
        DataType row = DataTypes.ROW(fields.toArray(new DataTypes.Field[0])).notNull().bridgedTo(RowData.class);
        tables.createTemporaryView(name, tables.fromDataStream(stream, Schema.newBuilder().fromRowDataType(row).build()));
    }
}
