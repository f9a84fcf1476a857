package pitwall.wire;

/** From a unit on the wire to the channel's canonical unit. */
final class Units {
    private Units() {}

    /** The value in the canonical unit; NaN where it is not finite. */
    static double canonical(double value, double factor) {
        double canonical = value * factor;
        return Double.isFinite(canonical) ? canonical : Double.NaN;
    }

    /**
     * The id under which a channel is kept whose unit is not understood. Its values are those that
     * were sent, in that unit.
     */
    static String aside(String channel, String unit) {
        return channel + " [" + unit + "]";
    }

    /** The unit without the spaces around it. No other character counts as a space. */
    static String withoutSpaces(String unit) {
        int from = 0;
        int to = unit.length();
        while (from < to && unit.charAt(from) == ' ') {
            from++;
        }
        while (from < to && unit.charAt(to - 1) == ' ') {
            to--;
        }
        return unit.substring(from, to);
    }
}
