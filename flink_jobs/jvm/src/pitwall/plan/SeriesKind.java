package pitwall.plan;

/** What the numbers of a series over session time are made of. */
public enum SeriesKind {
    /** The channel's finite samples. */
    VALUE,
    /** 1 where the channel was sent as NaN, else 0. */
    NAN,
    /** 1 where a finite sample lies outside the channel's expected range, else 0. */
    OUT_OF_RANGE,
    /** Seconds since the tick before. It belongs to the session, not to a channel. */
    SPACING
}
