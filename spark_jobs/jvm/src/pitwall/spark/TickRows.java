package pitwall.spark;

import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

import pitwall.ticks.Tick;
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
                    .add("record_ms", DataTypes.LongType);

    private static final int START_US = 2;

    /** By Kafka time, and then by their place in Kafka. */
    static final Comparator<Tick> SENT_ORDER =
            Comparator.<Tick>comparingLong(tick -> tick.recordMs)
                    .thenComparing(tick -> tick.topic)
                    .thenComparingInt(tick -> tick.partition)
                    .thenComparingLong(tick -> tick.offset);

    private TickRows() {}

    /** The row of a tick in a Kafka record (value, topic, partition, offset, timestamp in ms). */
    static Row row(MessageTick tick, Row record) {
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
                record.getLong(4));
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
                row.getString(6),
                row.getInt(7),
                row.getLong(8),
                row.getLong(9));
    }
}
