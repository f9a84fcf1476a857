package pitwall.sinks.kafka;

import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;

import java.util.Map;
import java.util.Properties;
import java.util.Set;

/**
 * The table connector {@code pitwall-features}: feature rows on a Kafka topic ({@link
 * FeatureRecordEncoder}).
 *
 * <p>Options: {@code topic}; {@code schema}, the columns' schema id as 16 hexadecimal digits;
 * {@code properties.*} for the Kafka producer.
 */
public final class FeaturesTopicFactory implements DynamicTableSinkFactory {
    private static final String PROPERTIES = "properties.";
    private static final ConfigOption<String> TOPIC =
            ConfigOptions.key("topic").stringType().noDefaultValue();
    private static final ConfigOption<String> SCHEMA =
            ConfigOptions.key("schema").stringType().noDefaultValue();

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validateExcept(PROPERTIES);
        Properties producer = new Properties();
        Map<String, String> options = context.getCatalogTable().getOptions();
        for (Map.Entry<String, String> option : options.entrySet()) {
            if (option.getKey().startsWith(PROPERTIES)) {
                String name = option.getKey().substring(PROPERTIES.length());
                producer.setProperty(name, option.getValue());
            }
        }
        long schema = Long.parseUnsignedLong(helper.getOptions().get(SCHEMA), 16);
        return new FeaturesTopicSink(helper.getOptions().get(TOPIC), schema, producer);
    }

    private record FeaturesTopicSink(String topic, long schema, Properties producer)
            implements DynamicTableSink {
        @Override
        public ChangelogMode getChangelogMode(ChangelogMode requested) {
            return ChangelogMode.insertOnly();
        }

        @Override
        public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
            return SinkV2Provider.of(
                    KafkaSink.<RowData>builder()
                            .setKafkaProducerConfig(producer)
                            .setBootstrapServers(producer.getProperty("bootstrap.servers"))
                            .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                            .setRecordSerializer(new FeatureRecordEncoder(topic, schema))
                            .build());
        }

        @Override
        public DynamicTableSink copy() {
            return this;
        }

        @Override
        public String asSummaryString() {
            return "features on " + topic;
        }
    }

    @Override
    public String factoryIdentifier() {
        return "pitwall-features";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(TOPIC, SCHEMA);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }
}
