package pitwall.simulation;

import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;

import pitwall.wire.TelemetryRow;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes what the job gives. Rows and letters become final with the checkpoint after them; those of
 * a checkpoint that never completes are taken back, as an exactly-once sink does. The judge sees
 * both.
 */
final class Sinks {
    /** A sink that does not take a row. */
    static final class SinkFailure extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private static final int FIRST_FEATURE = 4;
    private static final int LATE_TOPIC = 2;
    private static final int HISTORY_TIMES = 6;

    final List<FeatureRow> rows = new ArrayList<>();
    final List<Letter> letters = new ArrayList<>();
    private final World world;

    /** The first row and the first letter that are not final. */
    private int openRows;

    private int openLetters;

    Sinks(World world) {
        this.world = world;
    }

    /** Takes a feature row. Throws SinkFailure where the world wants it to. */
    void row(RowData row, int definitions, long now, long checkpoint) {
        if (world.job.failingRows.contains(rows.size() + 1L)) {
            world.job.failingRows.remove(rows.size() + 1L);
            throw new SinkFailure();
        }
        Expectation session = session(row);
        TimestampData time = row.getTimestamp(2, 6);
        long us = time.getMillisecond() * 1000 + time.getNanoOfMillisecond() / 1000;
        double[] values = new double[row.getArity() - FIRST_FEATURE];
        for (int i = 0; i < values.length; i++) {
            values[i] =
                    row.isNullAt(FIRST_FEATURE + i) ? Double.NaN : row.getDouble(FIRST_FEATURE + i);
        }
        long timeUs = us - session.session.startUs;
        rows.add(new FeatureRow(session, timeUs, values, definitions, now, checkpoint));
    }

    /** Takes a late tick as the operator gives it. */
    void late(RowData letter, long now, long checkpoint) {
        letters.add(new Letter(record(letter, LATE_TOPIC), true, now, checkpoint));
    }

    /** Takes a row of the telemetry history. The table holds it from then on. */
    void history(RowData row) {
        LongBuffer timesUs =
                ByteBuffer.wrap(row.getBinary(HISTORY_TIMES))
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asLongBuffer();
        Expectation session = session(row);
        while (timesUs.hasRemaining()) {
            session.historyUs.add(timesUs.get());
        }
    }

    /** The session that a row names in its first two fields. */
    private Expectation session(RowData row) {
        Expectation session = world.expectations.get(row.getString(0) + "/" + row.getString(1));
        if (session == null) {
            throw new IllegalStateException("a row of a session that nobody sent: " + row);
        }
        return session;
    }

    /** Takes a row of the source with a message that cannot be read. */
    void unreadable(RowData row, long now, long checkpoint) {
        letters.add(new Letter(record(row, TelemetryRow.TOPIC), false, now, checkpoint));
    }

    /** The record that a row names by topic, partition and offset, from this field on. */
    private KafkaRecord record(RowData row, int field) {
        return world.kafka.record(
                row.getString(field).toString(), row.getInt(field + 1), row.getLong(field + 2));
    }

    /** All that was given before the barriers of a checkpoint is final. */
    void complete(long checkpoint) {
        while (openRows < rows.size() && isFinal(rows.get(openRows), checkpoint)) {
            openRows++;
        }
        while (openLetters < letters.size() && isFinal(letters.get(openLetters), checkpoint)) {
            openLetters++;
        }
    }

    private static boolean isFinal(FeatureRow row, long checkpoint) {
        return row.isTakenBack || row.checkpoint <= checkpoint;
    }

    private static boolean isFinal(Letter letter, long checkpoint) {
        return letter.isTakenBack || letter.checkpoint <= checkpoint;
    }

    /** The job failed: what is not final since the last completed checkpoint is taken back. */
    void takeBack(long lastCheckpoint) {
        for (FeatureRow row : rows.subList(openRows, rows.size())) {
            row.isTakenBack |= row.checkpoint > lastCheckpoint;
        }
        for (Letter letter : letters.subList(openLetters, letters.size())) {
            letter.isTakenBack |= letter.checkpoint > lastCheckpoint;
        }
        openRows = rows.size();
        openLetters = letters.size();
    }
}
