package pitwall.sinks.kafka;

import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.flink.table.data.RowData;

import pitwall.bytes.LittleEndian;
import pitwall.sinks.RowFields;

/**
 * From a feature row (vehicle, session, event_timestamp, created_timestamp, features…) to a Kafka
 * record. The key is the session. The value, all little-endian: schema id (8 bytes), event time and
 * Kafka time (8 bytes each, microseconds since the epoch), a double for each feature (NaN for
 * null), and the vehicle in UTF-8.
 *
 * @param schema the id of the columns' schema
 */
record FeatureRecordEncoder(String topic, long schema)
        implements KafkaRecordSerializationSchema<RowData> {
    private static final int HEAD_BYTES = 24;
    private static final int FIRST_FEATURE = 4;

    @Override
    public ProducerRecord<byte[], byte[]> serialize(
            RowData row, KafkaSinkContext context, Long timestamp) {
        byte[] vehicle = row.getString(0).toBytes();
        int features = row.getArity() - FIRST_FEATURE;
        int vehicleAt = HEAD_BYTES + 8 * features;
        byte[] out = new byte[vehicleAt + vehicle.length];
        LittleEndian.LONG.set(out, 0, schema);
        LittleEndian.LONG.set(out, 8, RowFields.micros(row.getTimestamp(2, 6)));
        LittleEndian.LONG.set(out, 16, RowFields.micros(row.getTimestamp(3, 3)));
        RowFields.doubles(row, FIRST_FEATURE, features, out, HEAD_BYTES);
        System.arraycopy(vehicle, 0, out, vehicleAt, vehicle.length);
        return new ProducerRecord<>(topic, row.getString(1).toBytes(), out);
    }
}
