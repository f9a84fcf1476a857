package pitwall.wire;

import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.DataType;

import pitwall.plan.Plan;

import java.util.Set;

/**
 * The table format {@code pitwall-car}, option {@code plan}: one row for each tick, or one row with
 * {@code error} and {@code raw} for a message that cannot be read.
 */
public final class CarFormatFactory implements DeserializationFormatFactory {
    static final ConfigOption<String> PLAN =
            ConfigOptions.key("plan").stringType().noDefaultValue();

    @Override
    public DecodingFormat<DeserializationSchema<RowData>> createDecodingFormat(
            DynamicTableFactory.Context context, ReadableConfig options) {
        FactoryUtil.validateFactoryOptions(this, options);
        Plan plan = new Plan(options.get(PLAN));
        return new DecodingFormat<>() {
            @Override
            public DeserializationSchema<RowData> createRuntimeDecoder(
                    DynamicTableSource.Context source, DataType type) {
                return new CarDeserializer(plan, source.createTypeInformation(type));
            }

            @Override
            public ChangelogMode getChangelogMode() {
                return ChangelogMode.insertOnly();
            }
        };
    }

    @Override
    public String factoryIdentifier() {
        return "pitwall-car";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(PLAN);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }
}
