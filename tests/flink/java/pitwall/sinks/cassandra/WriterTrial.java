package pitwall.sinks.cassandra;

import com.datastax.oss.driver.api.core.CqlSession;

import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarCharType;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes rows to a Cassandra table. Arguments: host:port, user, password file, keyspace, table, and
 * {@code old} or {@code unwritable}. Prints for {@code tests/flink/test_cassandra_sink.py} what the
 * metrics say afterwards, or why the flush failed.
 */
public final class WriterTrial {
    private static final long[] AGES_MS = {0, 500, 1500, 60_000, 86_400_000};

    private final Map<String, Object> metrics = new HashMap<>();
    private final CassandraTarget target;

    private WriterTrial(String[] arguments) {
        target =
                new CassandraTarget(
                        arguments[0],
                        "datacenter1",
                        arguments[1],
                        arguments[2],
                        arguments[3],
                        arguments[4],
                        "LOCAL_ONE",
                        null);
    }

    public static void main(String[] arguments) throws Exception {
        WriterTrial trial = new WriterTrial(arguments);
        if (arguments[5].equals("old")) {
            trial.writeOldRows();
        } else {
            trial.writeUnwritableRow();
        }
        System.exit(0);
    }

    /** A row of each age, each of a session of its own. */
    private void writeOldRows() throws Exception {
        try (CassandraWriter writer = writer(new DoubleType())) {
            for (int i = 0; i < AGES_MS.length; i++) {
                writer.write(row("session " + i, AGES_MS[i], 1.5), null);
            }
            writer.flush(false);
        }
        Histogram freshness = (Histogram) metrics.get("freshness_ms");
        System.out.printf(
                "%d %d %s %d %s%n",
                ((Counter) metrics.get("written_rows")).getCount(),
                freshness.getCount(),
                freshness.getStatistics().getQuantile(0.5),
                freshness.getStatistics().getMax(),
                ((Gauge<?>) metrics.get("freshness_max_ms")).getValue());
    }

    /**
     * An old row without a value, and at once another one of its key with a value of a type that
     * the sink cannot write: it waits, so that a background thread meets it.
     */
    private void writeUnwritableRow() throws Exception {
        try (CassandraWriter writer = writer(new DecimalType(10, 2))) {
            writer.write(row("x", 60_000, null), null);
            writer.write(row("x", 60_000, DecimalData.fromUnscaledLong(150, 10, 2)), null);
            Thread.sleep(1000);
            writer.flush(false);
            System.out.println("flushed");
        } catch (IOException e) {
            System.out.println(e.getMessage() + ": " + e.getCause().getMessage());
        }
    }

    private CassandraWriter writer(LogicalType speed) throws IOException, InterruptedException {
        RowType type =
                RowType.of(
                        new LogicalType[] {
                            VarCharType.STRING_TYPE,
                            VarCharType.STRING_TYPE,
                            new LocalZonedTimestampType(6),
                            new LocalZonedTimestampType(3),
                            speed
                        },
                        new String[] {
                            "vehicle", "session", "event_timestamp", "created_timestamp", "speed"
                        });
        CqlSession session = target.connect();
        return new CassandraWriter(
                session,
                target.prepareInsert(session, type.getFieldNames()),
                type,
                new int[] {0, 1},
                new NotedMetrics());
    }

    private static GenericRowData row(String session, long ageMs, Object speed) {
        TimestampData created =
                TimestampData.fromEpochMillis(System.currentTimeMillis() - ageMs);
        return GenericRowData.of(
                StringData.fromString("car"),
                StringData.fromString(session),
                created,
                created,
                speed);
    }

    /** Keeps the metrics by name. */
    private final class NotedMetrics extends UnregisteredMetricsGroup {
        @Override
        public NotedMetrics addGroup(String name) {
            return this;
        }

        @Override
        public <C extends Counter> C counter(String name, C counter) {
            metrics.put(name, counter);
            return counter;
        }

        @Override
        public <H extends Histogram> H histogram(String name, H histogram) {
            metrics.put(name, histogram);
            return histogram;
        }

        @Override
        public <T, G extends Gauge<T>> G gauge(String name, G gauge) {
            metrics.put(name, gauge);
            return gauge;
        }
    }
}
