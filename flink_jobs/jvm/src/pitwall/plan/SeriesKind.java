package pitwall.plan;

/** What the numbers of a series over session time are made of. */
public enum SeriesKind {
    /** The channel's finite samples. */
    VALUE,
    /** 1 where the channel was sent without a finite number, else 0. */
    NAN,
    /** Seconds since the tick before. It belongs to the session, not to a channel. */
    SPACING
}
