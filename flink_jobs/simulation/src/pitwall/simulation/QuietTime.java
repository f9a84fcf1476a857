package pitwall.simulation;

/**
 * When Flink's periodic emission may next change what an output says: soon after a record, and when
 * the output becomes idle. Emissions between these times are left out, because they say nothing
 * new.
 *
 * <p>Times are milliseconds of the clock by which outputs become idle; it stands still under back
 * pressure.
 */
final class QuietTime {
    private final long idleMs;
    private final long emissionMs;

    /** Emissions since the last record, as far as they matter. */
    private int emissions;

    /** The first emission that found no record since the one before. */
    private long sinceMs;

    /** {@code emissionMs}: time between two emissions. */
    QuietTime(long idleMs, long emissionMs) {
        this.idleMs = idleMs;
        this.emissionMs = emissionMs;
    }

    /** An output that never has a record: its idle time begins with the first emission. */
    static QuietTime ofUnused(long idleMs, long emissionMs) {
        QuietTime quiet = new QuietTime(idleMs, emissionMs);
        quiet.emissions = 1;
        return quiet;
    }

    void record() {
        emissions = 0;
    }

    void emission(long now) {
        if (emissions < 2 && ++emissions == 2) {
            sinceMs = now;
        }
    }

    /** How long no emission is needed; {@link Timeline#NEVER} until the next record. */
    long untilNextMs(long now) {
        if (emissions < 2) {
            return emissionMs;
        }
        long leftMs = sinceMs + idleMs + emissionMs - now;
        return leftMs > 0 ? leftMs : Timeline.NEVER;
    }
}
