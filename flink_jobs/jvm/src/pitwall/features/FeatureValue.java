package pitwall.features;

/** The value of one feature after a tick was taken in. */
interface FeatureValue {
    /**
     * The value, NaN for null.
     *
     * @param timeUs time of the tick, microseconds since session start
     * @param values a value for each channel of the plan, NaN where there is none
     */
    double at(long timeUs, double[] values);
}
