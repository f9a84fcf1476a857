package pitwall.spark;

import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;
import org.apache.spark.util.collection.ExternalSorter;

import scala.Option;
import scala.Product2;
import scala.Tuple2;
import scala.collection.JavaConverters;
import scala.math.Ordering$;

import java.util.Iterator;

/**
 * Puts the ticks of one session and batch in the order in which they were sent. Spark's own sorter
 * does it, which writes what does not fit into memory to the task's disk. So a batch may hold all
 * that Kafka has, however much that is.
 */
final class SentOrder {
    private SentOrder() {}

    /**
     * The rows of ticks ({@link TickRows}) in the order of {@link TickRows#SENT_ORDER}. Reads all
     * rows before the first one leaves. To be called in a task, whose end removes the files.
     */
    static Iterator<Row> sort(Iterator<Row> rows) {
        TaskContext task = TaskContext.get();
        ExternalSorter<Row, Boolean, Boolean> sorter =
                new ExternalSorter<>(
                        task,
                        Option.empty(),
                        Option.empty(),
                        Option.apply(
                                Ordering$.MODULE$.comparatorToOrdering(TickRows.SENT_ORDER)),
                        SparkEnv.get().serializer());
        task.addTaskCompletionListener((TaskCompletionListener) ended -> sorter.stop());
        sorter.insertAll(JavaConverters.asScalaIterator(new Pairs(rows)));
        Iterator<Product2<Row, Boolean>> sorted = JavaConverters.asJavaIterator(sorter.iterator());
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                boolean more = sorted.hasNext();
                if (!more) {
                    sorter.stop();
                }
                return more;
            }

            @Override
            public Row next() {
                return sorted.next()._1();
            }
        };
    }

    /** The sorter takes pairs of a key and a value; the row is the key, and the value is unused. */
    private record Pairs(Iterator<Row> rows) implements Iterator<Product2<Row, Boolean>> {
        @Override
        public boolean hasNext() {
            return rows.hasNext();
        }

        @Override
        public Product2<Row, Boolean> next() {
            return new Tuple2<>(rows.next(), true);
        }
    }
}
