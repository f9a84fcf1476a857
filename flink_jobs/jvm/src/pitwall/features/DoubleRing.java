package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;

import java.io.IOException;

/** As {@link IntRing}, of doubles. */
final class DoubleRing {
    private double[] slots = new double[0];

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

    double get(long i) {
        return slots[slot(i)];
    }

    private int slot(long i) {
        int at = (int) (i - base);
        return at < slots.length ? at : at - slots.length;
    }

    void add(double value) {
        if (end - first == slots.length) {
            resize(RingLength.grown(slots.length));
        }
        slots[slot(end++)] = value;
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
        slots = entries(length);
        base = first;
    }

    /** A copy of the entries, oldest first, in an array that is at least as long. */
    private double[] entries(int length) {
        double[] copy = new double[length];
        int size = (int) (end - first);
        int start = size == 0 ? 0 : slot(first);
        int beforeWrap = Math.min(size, slots.length - start);
        System.arraycopy(slots, start, copy, 0, beforeWrap);
        System.arraycopy(slots, 0, copy, beforeWrap, size - beforeWrap);
        return copy;
    }

    /** Bytes that the entries take, free places included. */
    long bytes() {
        return 8L * slots.length;
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(first);
        StateBytes.writeDoubles(out, entries((int) (end - first)));
    }

    void read(DataInputView in) throws IOException {
        first = base = in.readLong();
        slots = StateBytes.readDoubles(in);
        end = first + slots.length;
    }
}
