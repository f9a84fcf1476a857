package pitwall.wire;

/** The element of a message that is being read: one sample of one channel. Used again and again. */
final class MessageElement {
    /** Index of a number that the reader did not note. */
    static final int NOT_NOTED = -1;

    String vehicle;
    String session;
    String channel;

    /** The unit as it was sent; null for the channel's own. */
    String unit;

    /** Seconds since session start. */
    double time;

    double value;
    boolean hasTime;

    /** Indices of time and value among the message's numbers, or {@link #NOT_NOTED}. */
    int timeNumber;

    int valueNumber;

    void clear() {
        vehicle = null;
        session = null;
        channel = null;
        unit = null;
        time = Double.NaN;
        value = Double.NaN;
        hasTime = false;
        timeNumber = NOT_NOTED;
        valueNumber = NOT_NOTED;
    }

    /** Throws IllegalArgumentException unless all keys that an element must have were there. */
    void checkComplete(int position) {
        if (vehicle == null || session == null || channel == null || !hasTime) {
            String missing =
                    vehicle == null
                            ? "VehicleId"
                            : session == null
                                    ? "SessionId"
                                    : channel == null ? "ChannelId" : "Timestamp";
            throw new IllegalArgumentException("element " + position + " lacks " + missing);
        }
    }
}
