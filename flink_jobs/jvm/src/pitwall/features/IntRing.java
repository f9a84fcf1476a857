package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import java.io.IOException;

/**
 * A queue of ints in a ring that is as long as it needs to be. An index counts what was ever added
 * and is never used again.
 */
final class IntRing {
    private int[] slots = new int[0];

    /** Index of the first place of the ring, {@code base <= first < base + slots.length}. */
    private long base;

    private long first;
    private long end;

    /** Index of the oldest entry. */
    long first() {
        return first;
    }

    /** Index after the newest entry. */
    long end() {
        return end;
    }

    int get(long i) {
        return slots[slot(i)];
    }

    void set(long i, int value) {
        slots[slot(i)] = value;
    }

    private int slot(long i) {
        int at = (int) (i - base);
        return at < slots.length ? at : at - slots.length;
    }

    void add(int value) {
        if (end - first == slots.length) {
            resize(RingLength.grown(slots.length));
        }
        slots[slot(end++)] = value;
    }

    /** Forgets all entries, and counts on from an index. */
    void clear(long next) {
        base = first = end = next;
    }

    /** Forgets the entries before an index, which is at most {@link #end}. */
    void forget(long newFirst) {
        first = newFirst;
        while (first - base >= slots.length && slots.length > 0) {
            base += slots.length;
        }
        if (RingLength.isWasteful(slots.length, end - first)) {
            resize(RingLength.grown((int) (end - first)));
        }
    }

    private void resize(int length) {
        int[] resized = new int[length];
        for (long i = first; i < end; i++) {
            resized[(int) (i - first)] = get(i);
        }
        slots = resized;
        base = first;
    }

    /** Bytes that the entries take, free places included. */
    long bytes() {
        return 4L * slots.length;
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(first);
        out.writeInt((int) (end - first));
        for (long i = first; i < end; i++) {
            out.writeInt(get(i));
        }
    }

    void read(DataInputView in) throws IOException {
        clear(in.readLong());
        int size = in.readInt();
        resize(size);
        for (int i = 0; i < size; i++) {
            add(in.readInt());
        }
    }
}
