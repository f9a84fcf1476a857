package pitwall.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/** Iterates over items that are made in lots, each when the one before it is used up. */
abstract class LotIterator<T> implements Iterator<T> {
    private final List<T> lot = new ArrayList<>();
    private int used;

    /** Adds the next lot, which may be empty. False when there are no more lots. */
    abstract boolean addLot(List<T> out) throws IOException;

    /** Makes the next lot where one is needed. Throws UncheckedIOException if that fails. */
    @Override
    public boolean hasNext() {
        while (used == lot.size()) {
            lot.clear();
            used = 0;
            try {
                if (!addLot(lot)) {
                    return false;
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return true;
    }

    @Override
    public T next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return lot.get(used++);
    }
}
