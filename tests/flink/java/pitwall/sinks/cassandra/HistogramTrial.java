package pitwall.sinks.cassandra;

import org.apache.flink.metrics.HistogramStatistics;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Tries {@link RecentHistogram} with a clock that stands still. Prints lines of a name and numbers
 * for {@code tests/flink/test_cassandra_sink.py}.
 */
public final class HistogramTrial {
    private static final int THREADS = 4;
    private static final int VALUES = 100_000;
    private static final long HOUR_MS = 3_600_000;

    private final AtomicLong nowMs = new AtomicLong(1_000_000);
    private final RecentHistogram histogram = new RecentHistogram(nowMs::get);

    private HistogramTrial() {}

    public static void main(String[] arguments) throws InterruptedException {
        HistogramTrial trial = new HistogramTrial();
        trial.print("empty");
        trial.updateTogether();
        trial.print("together");
        trial.histogram.update(HOUR_MS);
        trial.histogram.update(-5);
        trial.print("one_of_an_hour");
        trial.nowMs.addAndGet(59_000);
        trial.print("after_59_s");
        trial.nowMs.addAndGet(12_000);
        trial.histogram.update(7);
        trial.print("after_71_s");
    }

    /** Each thread adds 1 … 100,000 while another one reads. */
    private void updateTogether() throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            threads.add(
                    new Thread(
                            () -> {
                                for (int value = 1; value <= VALUES; value++) {
                                    histogram.update(value);
                                }
                            }));
        }
        threads.forEach(Thread::start);
        while (threads.stream().anyMatch(Thread::isAlive)) {
            histogram.getStatistics().getQuantile(0.99);
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private void print(String name) {
        HistogramStatistics recent = histogram.getStatistics();
        System.out.printf(
                "%s %d %d %s %s %s %d %d%n",
                name,
                histogram.getCount(),
                recent.size(),
                recent.getQuantile(0.5),
                recent.getQuantile(0.99),
                recent.getQuantile(0.999),
                recent.getMin(),
                recent.getMax());
    }
}
