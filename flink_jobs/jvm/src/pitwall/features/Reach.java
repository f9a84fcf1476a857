package pitwall.features;

/** How far back windows and lags of one length reach: the first of the session's ticks within. */
final class Reach {
    final long lengthUs;

    /** Number of the first tick that is younger than the length. */
    long start;

    /** Whether no tick within had to be dropped. */
    boolean isWhole = true;

    Reach(long lengthUs) {
        this.lengthUs = lengthUs;
    }
}
