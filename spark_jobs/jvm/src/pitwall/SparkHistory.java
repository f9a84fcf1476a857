package pitwall;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.api.java.function.FlatMapGroupsWithStateFunction;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.streaming.GroupState;
import org.apache.spark.sql.streaming.GroupStateTimeout;
import org.apache.spark.sql.streaming.OutputMode;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.LongAccumulator;
import scala.collection.JavaConverters;

/** Rows of the table telemetry_history from the car's messages: reader, clock and chunks are those of the Flink job. */
public final class SparkHistory {
    /** What was sent so shortly before a batch began may still be on its way, milliseconds. */
    private static final long ON_ITS_WAY_MS = 500;

    private static final StructType TICKS = new StructType()
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

    /** The table's columns, and the write timestamp: event time in microseconds. */
    private static final StructType ROWS = new StructType()
            .add("vehicle", DataTypes.StringType)
            .add("session", DataTypes.StringType)
            .add("bucket", DataTypes.IntegerType)
            .add("start_us", DataTypes.LongType)
            .add("digest", DataTypes.LongType)
            .add("event_timestamp", DataTypes.TimestampType)
            .add("times_us", DataTypes.BinaryType)
            .add("channels", DataTypes.createMapType(DataTypes.StringType, DataTypes.BinaryType))
            .add("written_us", DataTypes.LongType);

    private static final Comparator<Tick> AS_SENT = Comparator.<Tick>comparingLong(tick -> tick.recordMs)
            .thenComparing(tick -> tick.topic)
            .thenComparingInt(tick -> tick.partition)
            .thenComparingLong(tick -> tick.offset);

    private SparkHistory() {}

    /**
     * From Kafka's records (value, topic, partition, offset, timestamp in ms) to the table's rows. Each batch must hold all
     * there is. Messages that cannot be read are counted in {@code bad}; the Flink job makes dead letters of them.
     */
    public static Dataset<Row> rows(Dataset<Row> records, String planJson, LongAccumulator bad) {
        Plan plan = new Plan(planJson);
        MapFunction<Row, String> session = tick -> tick.getString(0) + "\n" + tick.getString(1);
        return records.mapPartitions((MapPartitionsFunction<Row, Row>) some -> read(plan, some, bad), Encoders.row(TICKS))
                .groupByKey(session, Encoders.STRING())
                .flatMapGroupsWithState(
                        (FlatMapGroupsWithStateFunction<String, Row, byte[], Row>)
                                (key, ticks, state) -> ordered(plan, key.split("\n", 2), ticks, state),
                        OutputMode.Append(), Encoders.BINARY(), Encoders.row(ROWS), GroupStateTimeout.ProcessingTimeTimeout());
    }

    private static Iterator<Row> read(Plan plan, Iterator<Row> records, LongAccumulator bad) {
        CarReader reader = new CarReader(plan);
        return new Flat<>() {
            @Override
            boolean more(List<Row> out) {
                if (!records.hasNext()) {
                    return false;
                }
                Row record = records.next();
                List<CarReader.Tick> ticks = List.of();
                try {
                    ticks = reader.read(record.getAs(0));
                } catch (IOException | RuntimeException unreadable) {
                    bad.add(1);
                }
                for (CarReader.Tick tick : ticks) {
                    out.add(RowFactory.create(
                            tick.vehicle, tick.session, tick.startUs, tick.timeUs, tick.samples.take(), tick.extras, record.getString(1),
                            record.getInt(2), record.getLong(3), record.getLong(4)));
                }
                return true;
            }
        };
    }

    /** The rows that a session's ticks of one batch complete, and those due without. */
    private static Iterator<Row> ordered(Plan plan, String[] key, Iterator<Row> rows, GroupState<byte[]> state) throws IOException {
        List<Tick> ticks = new ArrayList<>();
        long startUs = 0;
        while (rows.hasNext()) {
            Row row = rows.next();
            Tick tick = new Tick();
            startUs = row.getLong(2);
            tick.timeUs = row.getLong(3);
            tick.samples(row.getAs(4));
            tick.extras = row.getString(5);
            tick.topic = row.getString(6);
            tick.partition = row.getInt(7);
            tick.offset = row.getLong(8);
            tick.recordMs = row.getLong(9);
            ticks.add(tick);
        }
        ticks.sort(AS_SENT);
        BatchSession session = state.exists() ? BatchSession.read(plan, state.get()) : new BatchSession(plan, startUs);
        long batchMs = state.getCurrentProcessingTimeMs();
        if (!ticks.isEmpty()) {
            session.heardAtMs = batchMs;
        }
        Iterator<Tick> next = ticks.iterator();
        return new Flat<>() {
            private boolean ended;

            @Override
            boolean more(List<Row> out) throws IOException {
                session.to((timeUs, bucket, startUs, digest, timesUs, channels) -> {
                    long eventUs = session.startUs + timeUs;
                    out.add(RowFactory.create(
                            key[0], key[1], bucket, startUs, digest, new Timestamp(Math.floorDiv(eventUs, 1000L)), timesUs,
                            JavaConverters.mapAsScalaMap(channels), eventUs));
                });
                if (next.hasNext()) {
                    session.offer(next.next());
                    return true;
                }
                if (ended) {
                    return false;
                }
                ended = true;
                session.pass(batchMs - ON_ITS_WAY_MS);
                if (session.isOver(batchMs)) {
                    state.remove();
                } else {
                    state.update(session.write());
                    state.setTimeoutDuration(session.waits() ? ON_ITS_WAY_MS : plan.releaseMs);
                }
                return true;
            }
        };
    }

    /** An iterator of what comes in lots, each made when the one before it is used up. */
    private abstract static class Flat<T> implements Iterator<T> {
        private final List<T> lot = new ArrayList<>();
        private int given;

        /** Add a lot, which may be empty; false: there are no more. */
        abstract boolean more(List<T> out) throws IOException;

        @Override
        public boolean hasNext() {
            while (given == lot.size()) {
                lot.clear();
                given = 0;
                try {
                    if (!more(lot)) {
                        return false;
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            return true;
        }

        @Override
        public T next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return lot.get(given++);
        }
    }
}
