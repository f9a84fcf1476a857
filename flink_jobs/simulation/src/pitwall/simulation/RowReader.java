package pitwall.simulation;

import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;

import pitwall.wire.CarReader;
import pitwall.wire.MessageTick;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** From records to rows of the table {@code telemetry}, as the format {@code pitwall-car} does. */
final class RowReader {
    private final CarReader reader;

    RowReader(CarReader reader) {
        this.reader = reader;
    }

    /** The rows of a record: one for each tick, or one with an error. */
    List<RowData> rows(KafkaRecord record) {
        List<RowData> rows = new ArrayList<>(1);
        byte[] message = record.value();
        List<MessageTick> ticks;
        try {
            ticks = reader.read(message);
        } catch (IOException | RuntimeException e) {
            StringData reason = StringData.fromString(CarReader.reason(e));
            rows.add(row(record, null, null, null, null, null, null, reason, message));
            return rows;
        }
        for (MessageTick tick : ticks) {
            rows.add(
                    row(
                            record,
                            StringData.fromString(tick.vehicle),
                            StringData.fromString(tick.session),
                            tick.startUs,
                            tick.timeUs,
                            tick.samples.toBytes(),
                            StringData.fromString(tick.extras),
                            null,
                            null));
        }
        return rows;
    }

    private static RowData row(KafkaRecord record, Object... format) {
        Object[] fields = new Object[format.length + 4];
        System.arraycopy(format, 0, fields, 0, format.length);
        fields[format.length] = StringData.fromString(record.log.topic);
        fields[format.length + 1] = record.log.partition;
        fields[format.length + 2] = record.offset;
        fields[format.length + 3] =
                TimestampData.fromEpochMillis(World.EPOCH_MS + record.createdMs);
        return GenericRowData.of(fields);
    }
}
