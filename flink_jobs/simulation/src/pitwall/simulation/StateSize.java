package pitwall.simulation;

/** How much state a keyed task holds: the number of keys, and bytes on the heap. */
record StateSize(long keys, long bytes) {
    static final StateSize NONE = new StateSize(0, 0);

    StateSize plus(StateSize other) {
        return new StateSize(keys + other.keys, bytes + other.bytes);
    }

    /** Measures the state of a backend on the heap. */
    static StateSize of(Object backend) {
        return HeapWalk.ofBackend(backend);
    }
}
