package pitwall.plan;

/** What a window keeps up to date for a feature, beyond the sums that every window has. */
public enum WindowPart {
    /** Nothing more: the feature is computed from sums and the number of samples. */
    SUMS,
    /** Sums over time for a least-squares line. */
    SLOPE,
    /** The smallest and the largest sample. */
    EXTREMES,
    /** The number of samples above the feature's threshold. */
    ABOVE,
    /** The number of samples below the feature's threshold. */
    BELOW
}
