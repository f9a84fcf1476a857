package pitwall.simulation;

/**
 * Which ticks follow the one before in the session's own step. Such a tick waits for nobody: its
 * row must be there at once.
 */
final class InStep {
    /** A row of a tick in step follows its record within so much time, milliseconds. */
    static final long AT_ONCE_MS = 1000;

    /** The session's step is the smallest spacing of so many ticks. */
    private static final int KEPT = 16;

    private final CarSession session;

    InStep(CarSession session) {
        this.session = session;
    }

    /** Whether a tick comes no later than half a step after it was due. */
    boolean isInStep(int tick) {
        if (session.groups > 1 || tick <= KEPT) {
            return false;
        }
        long stepUs = Long.MAX_VALUE;
        for (int i = tick - KEPT; i < tick; i++) {
            stepUs = Math.min(stepUs, session.timesUs[i] - session.timesUs[i - 1]);
        }
        long spacingUs = session.timesUs[tick] - session.timesUs[tick - 1];
        return spacingUs <= stepUs + stepUs / 2;
    }
}
