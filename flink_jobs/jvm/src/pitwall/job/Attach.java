package pitwall.job;

import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.utils.TypeConversions;
import org.apache.flink.util.OutputTag;

import pitwall.maths.Formulas;
import pitwall.plan.Plan;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Hangs the feature operators, one for each view, behind the table of messages. The table is read
 * once. {@code src/pitwall/flink/submit.py} calls this through PyFlink.
 */
public final class Attach {
    private Attach() {}

    /**
     * Makes the view {@code features_NAME} for each feature view, and the views {@code
     * bad_messages}, {@code late_ticks} and {@code history} of all of them together.
     *
     * <p>A session goes to the first feature view that takes its vehicle. The last one takes every
     * vehicle; its state is found again whatever other views come before it.
     *
     * @param source name of the table with the fields of {@link pitwall.wire.TelemetryRow}
     * @param planJsons the plan of each feature view
     */
    public static void attach(StreamTableEnvironment tables, String source, String[] planJsons) {
        List<Plan> plans = Stream.of(planJsons).map(Plan::new).toList();
        plans.forEach(Formulas::compiled);
        InternalTypeInfo<RowData> deadLetterType = RowTypes.deadLetters();
        InternalTypeInfo<RowData> historyType = RowTypes.history();
        OutputTag<RowData> lateTag = new OutputTag<>(SessionOutputs.LATE.getId(), deadLetterType);
        OutputTag<RowData> historyTag =
                new OutputTag<>(SessionOutputs.HISTORY.getId(), historyType);

        DataStream<RowData> messages = messages(tables, source);
        DataStream<RowData> bad =
                messages.flatMap(new BadMessages()).returns(deadLetterType).uid("bad-messages");
        DataStream<RowData> late = null;
        DataStream<RowData> history = null;
        for (int i = 0; i < plans.size(); i++) {
            Plan plan = plans.get(i);
            String name = i == plans.size() - 1 ? "features" : "features-" + plan.view;
            InternalTypeInfo<RowData> type = RowTypes.features(plan);
            SingleOutputStreamOperator<RowData> features =
                    messages.filter(new ViewRoute(plans, i))
                            .uid("route-" + plan.view)
                            .keyBy(new SessionKey(), RowTypes.key())
                            .transform(name, type, new FeatureOperator(plan))
                            .uid(name);
            createView(tables, "features_" + plan.view, features, type);
            DataStream<RowData> viewLate = features.getSideOutput(lateTag);
            DataStream<RowData> viewHistory = features.getSideOutput(historyTag);
            late = late == null ? viewLate : late.union(viewLate);
            history = history == null ? viewHistory : history.union(viewHistory);
        }
        createView(tables, "bad_messages", bad, deadLetterType);
        createView(tables, "late_ticks", late, deadLetterType);
        createView(tables, "history", history, historyType);
    }

    private static DataStream<RowData> messages(StreamTableEnvironment tables, String source) {
        Table table = tables.from(source);
        DataType rowType = table.getResolvedSchema().toSourceRowDataType();
        DataStream<RowData> messages =
                tables.toDataStream(table, rowType.bridgedTo(RowData.class));
        OperatorIds.setUpTo(messages.getTransformation(), source);
        return messages;
    }

    private static void createView(
            StreamTableEnvironment tables,
            String name,
            DataStream<RowData> stream,
            InternalTypeInfo<RowData> type) {
        List<String> names = type.toRowType().getFieldNames();
        List<LogicalType> types = type.toRowType().getChildren();
        List<DataTypes.Field> fields = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            DataType fieldType = TypeConversions.fromLogicalToDataType(types.get(i));
            fields.add(DataTypes.FIELD(names.get(i), fieldType));
        }
        DataType row =
                DataTypes.ROW(fields.toArray(new DataTypes.Field[0]))
                        .notNull()
                        .bridgedTo(RowData.class);
        Schema schema = Schema.newBuilder().fromRowDataType(row).build();
        tables.createTemporaryView(name, tables.fromDataStream(stream, schema));
    }
}
