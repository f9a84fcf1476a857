package pitwall.maths;

/** The compiled formulas of a plan. They keep nothing themselves. */
public abstract class CompiledFormulas {
    /**
     * Computes every formula at one tick, in the plan's order.
     *
     * @param timeUs microseconds since session start
     * @param beforeUs the same of the tick before, its own for the first one
     * @param newLap 1 where a lap other than the first begins with this tick, else 0
     * @param values the value of each source of the plan; those of the formulas are written
     * @param sent whether the tick carries each source; those of the formulas are written
     * @param kept what the formulas keep of one session between two ticks, NaN at its beginning
     */
    public abstract void next(
            double timeUs,
            double beforeUs,
            double newLap,
            double[] values,
            boolean[] sent,
            double[] kept);
}
