package pitwall;

import java.util.Set;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.EncodingFormat;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.factories.SerializationFormatFactory;
import org.apache.flink.table.types.DataType;

/**
 * The table format {@code pitwall-row} of the features topic, little-endian: schema (8 bytes, names the columns), event
 * time and Kafka time (microseconds since the epoch, 8 bytes each), a double a feature (NaN for null), the vehicle in
 * UTF-8. The session is the record's key.
 */
public final class RowFormatFactory implements SerializationFormatFactory {
    static final ConfigOption<String> SCHEMA = ConfigOptions.key("schema").stringType().noDefaultValue();

    @Override
    public EncodingFormat<SerializationSchema<RowData>> createEncodingFormat(
            DynamicTableFactory.Context context, ReadableConfig options) {
        FactoryUtil.validateFactoryOptions(this, options);
        long schema = Long.parseUnsignedLong(options.get(SCHEMA), 16);
        return new EncodingFormat<>() {
            @Override
            public SerializationSchema<RowData> createRuntimeEncoder(DynamicTableSink.Context sink, DataType type) {
                return new Encoder(schema);
            }

            @Override
            public ChangelogMode getChangelogMode() {
                return ChangelogMode.insertOnly();
            }
        };
    }

    /** From rows (vehicle, session, event_timestamp, created_timestamp, features…). */
    private record Encoder(long schema) implements SerializationSchema<RowData> {
        @Override
        public byte[] serialize(RowData row) {
            byte[] vehicle = row.getString(0).toBytes();
            int features = row.getArity() - 4;
            byte[] out = new byte[24 + 8 * features + vehicle.length];
            Bytes.LONG.set(out, 0, schema);
            Bytes.LONG.set(out, 8, micros(row.getTimestamp(2, 6)));
            Bytes.LONG.set(out, 16, micros(row.getTimestamp(3, 3)));
            for (int i = 0; i < features; i++) {
                Bytes.DOUBLE.set(out, 24 + 8 * i, row.isNullAt(4 + i) ? Double.NaN : row.getDouble(4 + i));
            }
            System.arraycopy(vehicle, 0, out, 24 + 8 * features, vehicle.length);
            return out;
        }

        private static long micros(TimestampData time) {
            return time.getMillisecond() * 1000 + time.getNanoOfMillisecond() / 1000;
        }
    }

    @Override
    public String factoryIdentifier() {
        return "pitwall-row";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(SCHEMA);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }
}
