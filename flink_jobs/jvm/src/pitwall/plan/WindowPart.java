package pitwall.plan;

/** What a window keeps up to date for a feature, beyond the number of its samples. */
public enum WindowPart {
    /** Nothing more. */
    COUNT,
    /** Sums of the samples and of their squares. */
    SUMS,
    /** The same, and sums over time for a least-squares line. */
    SLOPE,
    /** The smallest and the largest sample. */
    EXTREMES,
    /** The number of samples above the feature's argument. */
    ABOVE,
    /** The number of samples below the feature's argument. */
    BELOW,
    /** The number of samples outside the channel's expected range. */
    OUTSIDE
}
