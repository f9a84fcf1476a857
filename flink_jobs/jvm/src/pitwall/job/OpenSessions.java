package pitwall.job;

import org.apache.flink.table.data.RowData;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The sessions of one task that state is kept of, the least recent first, and the memory that they
 * take. Belongs to one thread.
 */
final class OpenSessions implements AutoCloseable {
    /** A session that was heard of so recently is not let go, milliseconds of wall clock. */
    static final long RECENT_MS = 10_000;

    /** Share of the heap that the sessions of all tasks of the process may take. */
    private static final double HEAP_SHARE = 0.4;

    private static final AtomicInteger TASKS = new AtomicInteger();

    /** What is known of one session without reading its state. */
    static final class Entry {
        private long bytes;
        private boolean released;
        private long heardMs;
    }

    private final long maxBytes;
    private final Map<RowData, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
    private long bytes;
    private int open;

    /** {@code maxBytes}: the limit of this task; 0 for a share of the process's heap. */
    OpenSessions(long maxBytes) {
        this.maxBytes = maxBytes;
        TASKS.incrementAndGet();
    }

    /** Notes a session's memory and when it was heard of; it is the most recent one now. */
    void note(RowData key, SessionState session) {
        Entry entry = entries.get(key);
        if (entry == null) {
            entry = new Entry();
            entry.released = true;
            entries.put(key, entry);
        }
        long now = session.bytes();
        bytes += now - entry.bytes;
        open += (session.released ? 0 : 1) - (entry.released ? 0 : 1);
        entry.bytes = now;
        entry.released = session.released;
        entry.heardMs = session.heardMs;
    }

    /** Notes only that a known session was heard of. */
    void touch(RowData key, long now) {
        Entry entry = entries.get(key);
        if (entry != null) {
            entry.heardMs = now;
        }
    }

    void remove(RowData key) {
        Entry entry = entries.remove(key);
        if (entry != null) {
            bytes -= entry.bytes;
            open -= entry.released ? 0 : 1;
        }
    }

    /** Whether a session more would take more memory than sessions may take. */
    boolean isFull() {
        return bytes >= limit();
    }

    /** Most bytes that the sessions of this task may take. */
    long limit() {
        return maxBytes > 0
                ? maxBytes
                : (long) (HEAP_SHARE * Runtime.getRuntime().maxMemory() / TASKS.get());
    }

    /** The session that was heard of the longest time ago; null where all are recent. */
    RowData leastRecent(long now) {
        if (entries.isEmpty()) {
            return null;
        }
        Map.Entry<RowData, Entry> eldest = entries.entrySet().iterator().next();
        return eldest.getValue().heardMs + RECENT_MS <= now ? eldest.getKey() : null;
    }

    /** Number of sessions that are not released. */
    int open() {
        return open;
    }

    long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        TASKS.decrementAndGet();
    }
}
