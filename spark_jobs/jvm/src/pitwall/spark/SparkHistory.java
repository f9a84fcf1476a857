package pitwall.spark;

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

import pitwall.plan.Plan;
import pitwall.ticks.Tick;
import pitwall.wire.CarReader;
import pitwall.wire.MessageTick;

import scala.collection.JavaConverters;

import java.io.IOException;
import java.sql.Timestamp;
import java.util.Iterator;
import java.util.List;

/**
 * Rows of the table {@code telemetry_history} from the car's messages. Reader, session clock and
 * chunks are those of the Flink job. {@code src/pitwall/spark/job.py} calls this through PySpark.
 */
public final class SparkHistory {
    /** A message sent so shortly before a batch began may not have arrived yet, milliseconds. */
    private static final long ON_ITS_WAY_MS = 500;

    /** The table's columns, and the write timestamp: the event time in microseconds. */
    private static final StructType HISTORY_ROW =
            new StructType()
                    .add("vehicle", DataTypes.StringType)
                    .add("session", DataTypes.StringType)
                    .add("bucket", DataTypes.IntegerType)
                    .add("start_us", DataTypes.LongType)
                    .add("digest", DataTypes.LongType)
                    .add("event_timestamp", DataTypes.TimestampType)
                    .add("times_us", DataTypes.BinaryType)
                    .add(
                            "channels",
                            DataTypes.createMapType(DataTypes.StringType, DataTypes.BinaryType))
                    .add("written_us", DataTypes.LongType);

    private SparkHistory() {}

    /**
     * From Kafka records (value, topic, partition, offset, timestamp in ms) to rows of the table.
     * Each batch must hold everything that Kafka has. Messages that cannot be read are counted in
     * {@code bad}; the Flink job makes dead letters of them.
     */
    public static Dataset<Row> rows(Dataset<Row> records, String planJson, LongAccumulator bad) {
        Plan plan = new Plan(planJson);
        MapPartitionsFunction<Row, Row> read = partition -> read(plan, partition, bad);
        MapFunction<Row, String> sessionKey = TickRows::key;
        FlatMapGroupsWithStateFunction<String, Row, byte[], Row> order =
                (key, ticks, state) -> order(plan, key.split("\n", 2), ticks, state);
        return records.mapPartitions(read, Encoders.row(TickRows.TYPE))
                .groupByKey(sessionKey, Encoders.STRING())
                .flatMapGroupsWithState(
                        order,
                        OutputMode.Append(),
                        Encoders.BINARY(),
                        Encoders.row(HISTORY_ROW),
                        GroupStateTimeout.ProcessingTimeTimeout());
    }

    private static Iterator<Row> read(Plan plan, Iterator<Row> records, LongAccumulator bad) {
        CarReader reader = new CarReader(plan);
        return new LotIterator<>() {
            @Override
            boolean addLot(List<Row> out) {
                if (!records.hasNext()) {
                    return false;
                }
                Row record = records.next();
                List<MessageTick> ticks = List.of();
                try {
                    ticks = reader.read(record.getAs(0));
                } catch (IOException | RuntimeException unreadable) {
                    bad.add(1);
                }
                for (int place = 0; place < ticks.size(); place++) {
                    out.add(TickRows.row(ticks.get(place), record, place));
                }
                return true;
            }
        };
    }

    /**
     * The rows that a session's ticks of one batch complete, and those that are due without them.
     */
    private static Iterator<Row> order(
            Plan plan, String[] key, Iterator<Row> rows, GroupState<byte[]> state)
            throws IOException {
        Iterator<Row> ticks = SentOrder.sort(rows);
        Row first = ticks.hasNext() ? ticks.next() : null;
        BatchSession session =
                state.exists()
                        ? BatchSession.read(plan, state.get())
                        : new BatchSession(plan, TickRows.startUs(first));
        long batchMs = state.getCurrentProcessingTimeMs();
        if (first != null) {
            session.heardAtMs = batchMs;
        }
        return new LotIterator<>() {
            private Row next = first;
            private boolean ended;

            @Override
            boolean addLot(List<Row> out) throws IOException {
                collect(session, key, out);
                if (next != null) {
                    session.offer(TickRows.tick(next));
                    next = ticks.hasNext() ? ticks.next() : null;
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

    /** Lets the session's rows go to this list from now on. */
    private static void collect(BatchSession session, String[] key, List<Row> out) {
        session.to(
                (timeUs, bucket, startUs, digest, timesUs, channels) -> {
                    long eventUs = session.startUs + timeUs;
                    out.add(
                            RowFactory.create(
                                    key[0],
                                    key[1],
                                    bucket,
                                    startUs,
                                    digest,
                                    new Timestamp(Math.floorDiv(eventUs, 1000L)),
                                    timesUs,
                                    JavaConverters.mapAsScalaMap(channels),
                                    eventUs));
                });
    }
}
