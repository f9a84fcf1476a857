package pitwall.simulation;

/** A promise that a world broke, with what was seen. */
record Breach(Promise promise, String detail) {}
