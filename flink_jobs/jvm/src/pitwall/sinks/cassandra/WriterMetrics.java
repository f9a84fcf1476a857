package pitwall.sinks.cassandra;

import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.ThreadSafeSimpleCounter;

import java.util.function.LongSupplier;

/**
 * The metrics of a writer, in the group {@code pitwall}. Any thread may call any method.
 *
 * <ul>
 *   <li>{@code written_rows} and {@code failed_writes} count rows. A row that a newer one replaced
 *       is in neither.
 *   <li>{@code freshness_ms} is a histogram of the writes of the last minute: milliseconds from
 *       Kafka time to acknowledgement of the oldest row that the write stands for. No write is left
 *       out. So while a job reads old records (at its first start, after an outage, in a replay of
 *       a topic) it shows their age.
 *   <li>{@code freshness_max_ms} is the longest of these delays, or the age of a row that still
 *       waits where that is longer; NaN for neither.
 * </ul>
 */
final class WriterMetrics {
    private final Counter written;
    private final Counter failed;

    /** Null where the table has no Kafka time. */
    private final Histogram freshness;

    /** {@code oldestMs}: Kafka time of the oldest row that is not written yet. */
    WriterMetrics(MetricGroup task, boolean hasKafkaTime, LongSupplier oldestMs) {
        MetricGroup group = task.addGroup("pitwall");
        written = group.counter("written_rows", new ThreadSafeSimpleCounter());
        failed = group.counter("failed_writes", new ThreadSafeSimpleCounter());
        if (!hasKafkaTime) {
            freshness = null;
            return;
        }
        freshness = group.histogram("freshness_ms", new RecentHistogram());
        group.gauge("freshness_max_ms", () -> longestMs(oldestMs.getAsLong()));
    }

    /** A write of this row was acknowledged. {@code now}: wall clock, milliseconds. */
    void written(PendingRow row, long now) {
        written.inc();
        if (freshness != null) {
            freshness.update(now - row.sinceMs());
        }
    }

    void failed(int rows) {
        failed.inc(rows);
    }

    private double longestMs(long oldestMs) {
        boolean waits = oldestMs != PendingRow.NO_TIME;
        double waitsMs = waits ? Math.max(0, System.currentTimeMillis() - oldestMs) : Double.NaN;
        var recent = freshness.getStatistics();
        return recent.size() == 0 || waitsMs > recent.getMax() ? waitsMs : recent.getMax();
    }
}
