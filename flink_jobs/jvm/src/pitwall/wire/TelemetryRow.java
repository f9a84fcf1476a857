package pitwall.wire;

/**
 * Field numbers of a row of the table {@code telemetry} in {@code flink_jobs/features.sql}. A row
 * is one message's part of a tick, or (with {@link #ERROR} and {@link #RAW}) an unreadable message.
 */
public final class TelemetryRow {
    public static final int VEHICLE = 0;
    public static final int SESSION = 1;
    public static final int START_US = 2;
    public static final int TIME_US = 3;
    public static final int SAMPLES = 4;
    public static final int EXTRAS = 5;
    public static final int ERROR = 6;
    public static final int RAW = 7;
    public static final int TOPIC = 8;
    public static final int PARTITION = 9;
    public static final int OFFSET = 10;
    public static final int RECORD_TIME = 11;

    private TelemetryRow() {}
}
