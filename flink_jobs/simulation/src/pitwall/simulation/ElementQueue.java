package pitwall.simulation;

import java.util.ArrayDeque;

/** The elements on their way from one source task to one keyed task, in their order. */
final class ElementQueue {
    /**
     * A row ({@code RowData}), a watermark, a watermark status or a barrier, and when it arrives.
     */
    record Element(long arrivesMs, Object what) {}

    /** The barrier of a checkpoint. */
    record Barrier(long checkpoint) {}

    private final ArrayDeque<Element> elements = new ArrayDeque<>();
    private long lastMs;

    /** Whether its elements wait for the barriers of the other channels. */
    boolean isBlocked;

    /** Adds an element. It does not overtake the one before. Gives its arrival. */
    long add(long arrivesMs, Object what) {
        lastMs = Math.max(lastMs, arrivesMs);
        elements.add(new Element(lastMs, what));
        return lastMs;
    }

    /** When the first element arrives; {@link Timeline#NEVER} while there is none to take. */
    long nextMs() {
        return isBlocked || elements.isEmpty() ? Timeline.NEVER : elements.peek().arrivesMs;
    }

    Object take() {
        return elements.poll().what;
    }

    int size() {
        return elements.size();
    }
}
