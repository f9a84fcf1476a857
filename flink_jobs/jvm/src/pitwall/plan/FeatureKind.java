package pitwall.plan;

import java.util.Locale;

/**
 * The kinds of features, with what each of them needs to be kept. The plan names a kind in lower
 * case. What a kind computes is in {@code pitwall.features.FeatureValues}; what it means is in
 * {@code Kind} of {@code pitwall/features/kinds.py}.
 */
public enum FeatureKind {
    LAST,
    ROLLING_MEAN(SeriesKind.VALUE, WindowPart.SUMS),
    ROLLING_STD(SeriesKind.VALUE, WindowPart.SUMS),
    ROLLING_MIN(SeriesKind.VALUE, WindowPart.EXTREMES),
    ROLLING_MAX(SeriesKind.VALUE, WindowPart.EXTREMES),
    ROLLING_RANGE(SeriesKind.VALUE, WindowPart.EXTREMES),
    ROLLING_RMS(SeriesKind.VALUE, WindowPart.SUMS),
    ROLLING_COUNT(SeriesKind.VALUE, WindowPart.COUNT),
    ROLLING_SLOPE(SeriesKind.VALUE, WindowPart.SLOPE),
    SHARE_ABOVE(SeriesKind.VALUE, WindowPart.ABOVE),
    SHARE_BELOW(SeriesKind.VALUE, WindowPart.BELOW),
    NAN_SHARE(SeriesKind.NAN, WindowPart.ABOVE),
    OUT_OF_RANGE_SHARE(SeriesKind.VALUE, WindowPart.OUTSIDE),
    TICKS(SeriesKind.SPACING, WindowPart.COUNT),
    GAPS(SeriesKind.SPACING, WindowPart.ABOVE),
    LAG(SeriesKind.VALUE, null),
    DIFF(SeriesKind.VALUE, null),
    LAP_MEAN,
    LAP_INTEGRAL,
    SESSION_TIME,
    LAP_NUMBER,
    LAP_TIME,
    LAP_FROM_START,
    LAP_FRACTION,
    LAST_LAP_TIME,
    BEST_LAP_TIME,
    DELTA_TO_BEST,
    DELTA_TO_REFERENCE,
    SECTOR,
    SECTOR_TIME,
    LAST_SECTOR_TIME,
    BEST_SECTOR_TIME;

    /** The series that the feature looks back on; null where the newest tick is enough. */
    public final SeriesKind series;

    /** What a window over that series keeps; null where the feature needs no window. */
    public final WindowPart window;

    FeatureKind() {
        this(null, null);
    }

    FeatureKind(SeriesKind series, WindowPart window) {
        this.series = series;
        this.window = window;
    }

    /** Whether the feature sums its channel since the start of the lap. */
    public boolean sumsLap() {
        return this == LAP_MEAN || this == LAP_INTEGRAL;
    }

    /** Whether the feature is computed from a channel. */
    public boolean needsChannel() {
        return this == LAST || sumsLap() || (series != null && series != SeriesKind.SPACING);
    }

    /** Whether the feature's argument is the number of a sector, counted from 1. */
    public boolean isOfOneSector() {
        return this == LAST_SECTOR_TIME || this == BEST_SECTOR_TIME;
    }

    /**
     * The kind that the plan calls by this name. Throws IllegalArgumentException if there is none.
     */
    public static FeatureKind named(String name) {
        for (FeatureKind kind : values()) {
            if (kind.name().toLowerCase(Locale.ROOT).equals(name)) {
                return kind;
            }
        }
        throw new IllegalArgumentException("the plan names an unknown kind of feature: " + name);
    }
}
