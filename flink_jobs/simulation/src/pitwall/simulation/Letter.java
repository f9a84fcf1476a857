package pitwall.simulation;

/** A dead letter: a late tick or a message that cannot be read. */
final class Letter {
    final KafkaRecord record;
    final boolean isLate;

    /** When it was given, milliseconds since the world began. */
    final long givenMs;

    /** The checkpoint with which it becomes final. */
    final long checkpoint;

    boolean isTakenBack;

    Letter(KafkaRecord record, boolean isLate, long givenMs, long checkpoint) {
        this.record = record;
        this.isLate = isLate;
        this.givenMs = givenMs;
        this.checkpoint = checkpoint;
    }
}
