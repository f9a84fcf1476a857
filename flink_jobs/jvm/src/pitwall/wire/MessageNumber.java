package pitwall.wire;

/**
 * A number in a message that was read in full.
 *
 * @param start first byte in the message
 * @param end first byte after it
 * @param code code of the channel that the number is a value of, -1 for none
 * @param factor factor to that channel's canonical unit
 * @param standIn index of the channel that it stands in for, -1 for none
 * @param standInFactor factor to the canonical unit of that other channel
 */
record MessageNumber(
        int start, int end, Role role, int code, double factor, int standIn, double standInFactor) {
    /** What the number is in the message. */
    enum Role {
        /** Neither time nor value; it may be of a key that the reader does not know. */
        OTHER,
        TIME,
        VALUE
    }

    static MessageNumber other(int start, int end) {
        return new MessageNumber(start, end, Role.OTHER, 0, 1, -1, 1);
    }

    MessageNumber asTime() {
        return new MessageNumber(start, end, Role.TIME, 0, 0, -1, 0);
    }

    MessageNumber asValue(int code, double factor, int standIn, double standInFactor) {
        return new MessageNumber(start, end, Role.VALUE, code, factor, standIn, standInFactor);
    }
}
