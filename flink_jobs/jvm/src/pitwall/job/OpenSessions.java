package pitwall.job;

import org.apache.flink.table.data.RowData;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The sessions of one task that state is kept of, their number and the memory that they take.
 * Belongs to one thread.
 */
final class OpenSessions implements AutoCloseable {
    /** A session that was heard of so recently is not let go, milliseconds of wall clock. */
    static final long RECENT_MS = 10_000;

    /** Share of the heap that the sessions of all tasks of the process may take. */
    private static final double HEAP_SHARE = 0.4;

    private static final AtomicInteger TASKS = new AtomicInteger();

    /** What is known of one session without reading its state. */
    private static final class Entry {
        private long bytes;
        private long heardMs;
    }

    private final int maxOpen;
    private final long maxBytes;

    /** The open sessions and those that were released, the least recent ones first. */
    private final Map<RowData, Entry> open = new LinkedHashMap<>(16, 0.75f, true);

    private final Map<RowData, Entry> released = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;

    /**
     * @param maxOpen most sessions that may be open
     * @param maxBytes most bytes that all may take; 0 for a share of the process's heap
     */
    OpenSessions(int maxOpen, long maxBytes) {
        this.maxOpen = maxOpen;
        this.maxBytes = maxBytes;
        TASKS.incrementAndGet();
    }

    /** Notes a session's memory and when it was heard of; it is the most recent one now. */
    void note(RowData key, SessionState session) {
        remove(key);
        Entry entry = new Entry();
        entry.bytes = session.bytes();
        entry.heardMs = session.heardMs;
        (session.released ? released : open).put(key, entry);
        bytes += entry.bytes;
    }

    /** Notes only that an open session was heard of. */
    void touch(RowData key, long now) {
        Entry entry = open.get(key);
        if (entry != null) {
            entry.heardMs = now;
        }
    }

    void remove(RowData key) {
        Entry entry = open.remove(key);
        if (entry == null) {
            entry = released.remove(key);
        }
        if (entry != null) {
            bytes -= entry.bytes;
        }
    }

    /** Whether there is no room for one more open session. */
    boolean isFull() {
        return open.size() >= maxOpen || bytes >= limit();
    }

    /** Most bytes that the sessions of this task may take. */
    long limit() {
        return maxBytes > 0
                ? maxBytes
                : (long) (HEAP_SHARE * Runtime.getRuntime().maxMemory() / TASKS.get());
    }

    /**
     * The session to let go first where there is no room: a released one where only memory is
     * short, else the open one that was heard of the longest time ago; null where all are recent.
     */
    RowData leastRecent(long now) {
        if (open.size() < maxOpen && !released.isEmpty()) {
            return released.keySet().iterator().next();
        }
        if (open.isEmpty()) {
            return null;
        }
        Map.Entry<RowData, Entry> eldest = open.entrySet().iterator().next();
        return eldest.getValue().heardMs + RECENT_MS <= now ? eldest.getKey() : null;
    }

    /** Number of sessions that are not released. */
    int open() {
        return open.size();
    }

    long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        TASKS.decrementAndGet();
    }
}
