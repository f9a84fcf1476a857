package pitwall.sinks.cassandra;

import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarCharType;

import java.io.IOException;
import java.lang.reflect.Proxy;

/**
 * Starts the Cassandra sink without a job, where it cannot start. Arguments: host:port, user,
 * password file, keyspace, and {@code interrupt} or {@code refused}. Each prints whether the start
 * ended, and how many threads of driver and writer are left, for {@code
 * tests/flink/test_cassandra_sink.py}. Then it waits for the end of standard input.
 */
public final class SinkTrial {
    private static final int STARTS = 12;
    private static final long CONNECTING_MS = 2000;
    private static final long PATIENCE_MS = 20_000;
    private static final RowType TYPE =
            RowType.of(
                    new LogicalType[] {
                        VarCharType.STRING_TYPE,
                        VarCharType.STRING_TYPE,
                        new LocalZonedTimestampType(6),
                        new LocalZonedTimestampType(3),
                        new DoubleType()
                    },
                    new String[] {
                        "vehicle", "session", "event_timestamp", "created_timestamp", "speed"
                    });

    private final CassandraSink sink;

    private SinkTrial(String[] arguments) {
        CassandraTarget target =
                new CassandraTarget(
                        arguments[0],
                        "datacenter1",
                        arguments[1],
                        arguments[2],
                        arguments[3],
                        "no_such_table",
                        "LOCAL_ONE",
                        null);
        sink = new CassandraSink(target, TYPE, new int[] {0, 1});
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        SinkTrial trial = new SinkTrial(arguments);
        boolean ended = arguments[4].equals("interrupt") ? trial.interrupt() : trial.refused();
        System.out.println((ended ? "ended " : "runs ") + driverThreads());
        System.in.read();
        System.exit(0);
    }

    /** Interrupts the start of a writer, as Flink does with a task that it cancels. */
    private boolean interrupt() throws InterruptedException {
        Thread task = new Thread(this::start, "task");
        task.start();
        task.join(CONNECTING_MS);
        if (!task.isAlive()) {
            throw new IllegalStateException("the start ended before it was interrupted");
        }
        task.interrupt();
        task.join(PATIENCE_MS);
        return !task.isAlive();
    }

    /** Starts writers one after the other, as Flink does with a job that it restarts. */
    private boolean refused() {
        for (int i = 0; i < STARTS; i++) {
            start();
        }
        return true;
    }

    private void start() {
        try (SinkWriter<RowData> writer = sink.createWriter(context())) {
            System.err.println("there is no table, but here is " + writer);
        } catch (Exception e) {
            System.err.println(e);
        }
    }

    private static WriterInitContext context() {
        return (WriterInitContext)
                Proxy.newProxyInstance(
                        SinkTrial.class.getClassLoader(),
                        new Class<?>[] {WriterInitContext.class},
                        (proxy, method, values) ->
                                method.getName().equals("metricGroup")
                                        ? UnregisteredMetricsGroup.createSinkWriterMetricGroup()
                                        : null);
    }

    /** Number of threads of driver and writer, once there are none or after some patience. */
    private static long driverThreads() throws InterruptedException {
        long limit = System.nanoTime() + PATIENCE_MS * 1_000_000;
        long threads;
        do {
            Thread.sleep(100);
            threads =
                    Thread.getAllStackTraces().keySet().stream()
                            .filter(thread -> thread.getName().matches("s\\d+-.*|pitwall-.*"))
                            .count();
        } while (threads > 0 && System.nanoTime() < limit);
        return threads;
    }
}
