package pitwall.sinks.cassandra;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rows that are not written yet: of each key at most one that waits and one that is being
 * written. A newer row of a key takes the place of one that waits.
 *
 * <p>Live rows are due at once. Others wait {@link #COALESCE_MS} for newer ones of their key, or in
 * a table with several keys a partition for others of their partition. Not safe for threads.
 */
final class PendingRows {
    /** Most bytes of pending rows; one alone may have more. */
    private static final long MAX_BYTES = 16 << 20;

    /** Most bytes of the rows of one batch; one alone may have more. */
    private static final long BATCH_BYTES = 256 << 10;

    private static final long COALESCE_MS = 250;

    /** Whether several keys share a partition. */
    private final boolean sharedPartitions;

    private final Map<ByteBuffer, KeySlot> slots = new HashMap<>();

    /** The slots with a row that waits. */
    private final ArrayDeque<KeySlot> queue = new ArrayDeque<>();

    /** Bytes of all pending rows. */
    private long bytes;

    PendingRows(boolean sharedPartitions) {
        this.sharedPartitions = sharedPartitions;
    }

    /** Whether a row of this key may be added. */
    boolean hasRoom(ByteBuffer key) {
        KeySlot slot = slots.get(key);
        return bytes < MAX_BYTES || (slot != null && slot.waiting != null);
    }

    /**
     * Adds a row. Gives whether it is due.
     *
     * @param partition the key's partition in Cassandra
     * @param now wall clock, milliseconds
     */
    boolean add(ByteBuffer key, ByteBuffer partition, PendingRow row, boolean live, long now) {
        KeySlot slot = slots.computeIfAbsent(key, name -> new KeySlot(partition));
        if (live) {
            slot.notBeforeMs = 0;
        } else if (slot.waiting == null) {
            slot.notBeforeMs = (sharedPartitions ? now : slot.sentMs) + COALESCE_MS;
        }
        offer(slot, row);
        return slot.notBeforeMs <= now;
    }

    /**
     * Lets the row wait, unless a newer one of its key waits already. The newer one stands for the
     * older one from then on.
     */
    private void offer(KeySlot slot, PendingRow row) {
        PendingRow other = slot.waiting;
        if (other == null) {
            slot.waiting = row;
        } else {
            bytes -= other.bytes();
            slot.waiting =
                    other.stampUs() > row.stampUs() ? other.insteadOf(row) : row.insteadOf(other);
        }
        bytes += slot.waiting.bytes();
        if (!slot.queued) {
            slot.queued = true;
            queue.add(slot);
        }
    }

    /**
     * Takes the rows that are due, or {@code all} that wait, of at most {@code most} partitions.
     * Gives batches of one partition each. They are being written until {@link #settle}. At most
     * one row of a key is, so that a Cassandra that falls behind gets the newest row next.
     */
    List<List<KeySlot>> take(long now, int most, boolean all) {
        Map<ByteBuffer, List<KeySlot>> due = new LinkedHashMap<>();
        for (int left = queue.size(); left > 0 && due.size() < most; left--) {
            KeySlot slot = queue.remove();
            if (slot.underWay != null || (slot.notBeforeMs > now && !all)) {
                queue.add(slot);
                continue;
            }
            slot.queued = false;
            slot.underWay = slot.waiting;
            slot.waiting = null;
            slot.sentMs = now;
            due.computeIfAbsent(slot.partition, name -> new ArrayList<>(1)).add(slot);
        }
        List<List<KeySlot>> batches = new ArrayList<>();
        due.values().forEach(partitionSlots -> split(partitionSlots, batches));
        return batches;
    }

    private static void split(List<KeySlot> partitionSlots, List<List<KeySlot>> batches) {
        long size = 0;
        int from = 0;
        for (int i = 0; i < partitionSlots.size(); i++) {
            int more = partitionSlots.get(i).underWay.bytes();
            if (i > from && size + more > BATCH_BYTES) {
                batches.add(partitionSlots.subList(from, i));
                from = i;
                size = 0;
            }
            size += more;
        }
        batches.add(partitionSlots.subList(from, partitionSlots.size()));
    }

    /** A write has ended. A row that was not {@code written} waits again, or a newer one does. */
    void settle(KeySlot slot, boolean written) {
        PendingRow row = slot.underWay;
        slot.underWay = null;
        bytes -= row.bytes();
        if (!written) {
            offer(slot, row);
        }
    }

    /** Forgets the keys of which nothing is pending. */
    void forgetIdle(long now) {
        slots.values().removeIf(slot -> slot.isIdleSince(now - COALESCE_MS));
    }

    /** Whether no row waits. */
    boolean isEmpty() {
        return queue.isEmpty();
    }

    /** Kafka time of the oldest row that is not written, as {@link PendingRow#sinceMs}. */
    long oldestMs() {
        long oldestMs = PendingRow.NO_TIME;
        for (KeySlot slot : slots.values()) {
            oldestMs = Math.min(oldestMs, slot.sinceMs());
        }
        return oldestMs;
    }
}
