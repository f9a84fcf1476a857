package pitwall.simulation;

import java.util.Locale;

/** Spoils what came out of a world, so that tests can see whether the judge notices. */
enum Spoil {
    LOSE_ROW,
    DOUBLE_ROW,
    CHANGE_BIT,
    DELAY_ROW,
    HESITATE,
    LOSE_LETTER,
    LOSE_HISTORY,
    TAKE_BACK_NEWEST;

    /** The spoil of an id such as {@code lose-row}. Throws IllegalArgumentException for others. */
    static Spoil of(String id) {
        return valueOf(id.toUpperCase(Locale.ROOT).replace('-', '_'));
    }

    /** Changes what the sinks hold. The world must have given rows, and letters to lose. */
    void apply(Sinks sinks) {
        int middle = sinks.rows.size() / 2;
        FeatureRow row = sinks.rows.get(middle);
        switch (this) {
            case LOSE_ROW -> sinks.rows.remove(middle);
            case DOUBLE_ROW -> sinks.rows.add(middle, row);
            case CHANGE_BIT -> row.values[0] = Math.nextUp(row.values[0]);
            case DELAY_ROW -> sinks.rows.set(middle, delayed(row, 10 * Deadlines.PATIENCE_MS));
            case HESITATE -> sinks.rows.set(middle, delayed(row, 2 * InStep.AT_ONCE_MS));
            case LOSE_LETTER -> sinks.letters.remove(0);
            case LOSE_HISTORY -> row.session.historyUs.remove(row.timeUs);
            case TAKE_BACK_NEWEST -> newest(sinks).isTakenBack = true;
        }
    }

    private static FeatureRow delayed(FeatureRow row, long ms) {
        long lateMs = row.givenMs + ms;
        return new FeatureRow(
                row.session, row.timeUs, row.values, row.definitions, lateMs, row.checkpoint);
    }

    private static FeatureRow newest(Sinks sinks) {
        FeatureRow newest = sinks.rows.get(0);
        for (FeatureRow row : sinks.rows) {
            newest = row.session == newest.session && row.timeUs > newest.timeUs ? row : newest;
        }
        return newest;
    }
}
