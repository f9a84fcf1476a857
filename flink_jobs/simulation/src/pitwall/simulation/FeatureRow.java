package pitwall.simulation;

/** A row that a keyed task gave to its sinks. */
final class FeatureRow {
    final Expectation session;

    /** Microseconds since session start. */
    final long timeUs;

    /** A value for each feature, NaN for null. */
    final double[] values;

    /** Which of the world's definitions it was computed by. */
    final int definitions;

    /** When it was given, milliseconds since the world began. */
    final long givenMs;

    /** The checkpoint with which it becomes final. */
    final long checkpoint;

    /** Whether the job failed before it was final. */
    boolean isTakenBack;

    FeatureRow(
            Expectation session,
            long timeUs,
            double[] values,
            int definitions,
            long givenMs,
            long checkpoint) {
        this.session = session;
        this.timeUs = timeUs;
        this.values = values;
        this.definitions = definitions;
        this.givenMs = givenMs;
        this.checkpoint = checkpoint;
    }
}
