package pitwall.features;

/** The newest sample of a series that is at least so old. */
final class Lag {
    private final Series series;
    private final TickTimes times;
    private final Reach reach;

    /** Index of the first sample that is younger, as far as it was looked for. */
    private long younger;

    Lag(Series series, TickTimes times, Reach reach) {
        this.series = series;
        this.times = times;
        this.reach = reach;
    }

    /** Its value; NaN where there is none, or where none can be told. */
    double value() {
        younger = series.firstWithin(reach, younger);
        return younger > series.first() && times.isKnown(reach)
                ? series.value(younger - 1)
                : Double.NaN;
    }
}
