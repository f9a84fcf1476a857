package pitwall.spark;

import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

import pitwall.clock.Tick;
import pitwall.wire.MessageTick;

import java.util.Comparator;

/** Ticks as Spark's rows, which travel from the reader to the task of their session. */
final class TickRows {
    static final StructType TYPE =
            new StructType()
                    .add("vehicle", DataTypes.StringType)
                    .add("session", DataTypes.StringType)
                    .add("start_us", DataTypes.LongType)
                    .add("time_us", DataTypes.LongType)
                    .add("samples", DataTypes.BinaryType)
                    .add("extras", DataTypes.StringType)
                    .add("topic", DataTypes.StringType)
                    .add("partition", DataTypes.IntegerType)
                    .add("offset", DataTypes.LongType)
                    .add("record_ms", DataTypes.LongType)
                    .add("place", DataTypes.IntegerType);

    private static final int START_US = 2;
    private static final int TOPIC = 6;
    private static final int PARTITION = 7;
    private static final int OFFSET = 8;
    private static final int RECORD_MS = 9;
    private static final int PLACE = 10;

    /** By Kafka time, then by their place in Kafka, then by their place in the message. */
    static final Comparator<Row> SENT_ORDER =
            Comparator.<Row>comparingLong(tick -> tick.getLong(RECORD_MS))
                    .thenComparing(tick -> tick.getString(TOPIC))
                    .thenComparingInt(tick -> tick.getInt(PARTITION))
                    .thenComparingLong(tick -> tick.getLong(OFFSET))
                    .thenComparingInt(tick -> tick.getInt(PLACE));

    private TickRows() {}

    /**
     * The row of a tick in a Kafka record (value, topic, partition, offset, timestamp in ms).
     *
     * @param place index of the tick in its message
     */
    static Row row(MessageTick tick, Row record, int place) {
        return RowFactory.create(
                tick.vehicle,
                tick.session,
                tick.startUs,
                tick.timeUs,
                tick.samples.toBytes(),
                tick.extras,
                record.getString(1),
                record.getInt(2),
                record.getLong(3),
                record.getLong(4),
                place);
    }

    /** Vehicle and session as one text. */
    static String key(Row tick) {
        return tick.getString(0) + "\n" + tick.getString(1);
    }

    static long startUs(Row row) {
        return row.getLong(START_US);
    }

    static Tick tick(Row row) {
        return new Tick(
                row.getLong(3),
                row.getAs(4),
                row.getString(5),
                row.getString(TOPIC),
                row.getInt(PARTITION),
                row.getLong(OFFSET),
                row.getLong(RECORD_MS));
    }
}
