package pitwall;

import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;

/**
 * The table connector {@code pitwall-features}: feature rows (vehicle, session, event_timestamp, created_timestamp,
 * features…) on a Kafka topic. The record's key is the session; its value, little-endian: schema (8 bytes, names the
 * columns), event time and Kafka time (microseconds since the epoch, 8 bytes each), a double a feature (NaN for null),
 * the vehicle in UTF-8. Options {@code properties.*} go to the producer.
 */
public final class FeaturesTopicFactory implements DynamicTableSinkFactory {
    private static final String PROPERTIES = "properties.";
    private static final ConfigOption<String> TOPIC = ConfigOptions.key("topic").stringType().noDefaultValue();
    private static final ConfigOption<String> SCHEMA = ConfigOptions.key("schema").stringType().noDefaultValue();

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validateExcept(PROPERTIES);
        Properties producer = new Properties();
        for (Map.Entry<String, String> option : context.getCatalogTable().getOptions().entrySet()) {
            if (option.getKey().startsWith(PROPERTIES)) {
                producer.setProperty(option.getKey().substring(PROPERTIES.length()), option.getValue());
            }
        }
        return new Table(
                helper.getOptions().get(TOPIC), Long.parseUnsignedLong(helper.getOptions().get(SCHEMA), 16), producer);
    }

    private record Table(String topic, long schema, Properties producer) implements DynamicTableSink {
        @Override
        public ChangelogMode getChangelogMode(ChangelogMode requested) {
            return ChangelogMode.insertOnly();
        }

        @Override
        public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
            return SinkV2Provider.of(KafkaSink.<RowData>builder()
                    .setKafkaProducerConfig(producer)
                    .setBootstrapServers(producer.getProperty("bootstrap.servers"))
                    .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                    .setRecordSerializer(new Encoder(topic, schema))
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

    private record Encoder(String topic, long schema) implements KafkaRecordSerializationSchema<RowData> {
        private static final int HEAD = 24;
        private static final int FIRST = 4;

        @Override
        public ProducerRecord<byte[], byte[]> serialize(RowData row, KafkaSinkContext context, Long timestamp) {
            byte[] vehicle = row.getString(0).toBytes();
            int features = row.getArity() - FIRST;
            byte[] out = new byte[HEAD + 8 * features + vehicle.length];
            Bytes.LONG.set(out, 0, schema);
            Bytes.LONG.set(out, 8, micros(row.getTimestamp(2, 6)));
            Bytes.LONG.set(out, 16, micros(row.getTimestamp(3, 3)));
            Bytes.doubles(row, FIRST, features, out, HEAD);
            System.arraycopy(vehicle, 0, out, HEAD + 8 * features, vehicle.length);
            return new ProducerRecord<>(topic, row.getString(1).toBytes(), out);
        }

        private static long micros(TimestampData time) {
            return time.getMillisecond() * 1000 + time.getNanoOfMillisecond() / 1000;
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
