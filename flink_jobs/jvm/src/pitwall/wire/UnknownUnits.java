package pitwall.wire;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Tells of units that are not understood: once for each session, channel and unit. The last
 * thousand are remembered.
 */
final class UnknownUnits {
    private static final int MAX_KNOWN = 1000;

    /** Receives what is new. */
    interface Listener {
        void unknown(String vehicle, String session, String channel, String unit);
    }

    private record Place(String vehicle, String session, String channel, String unit) {}

    private final Listener listener;
    private final Map<Place, Boolean> known =
            new LinkedHashMap<>(16, 0.75f, true) {
                @Override
                protected boolean removeEldestEntry(Map.Entry<Place, Boolean> eldest) {
                    return size() > MAX_KNOWN;
                }
            };

    UnknownUnits(Listener listener) {
        this.listener = listener;
    }

    void note(String vehicle, String session, String channel, String unit) {
        if (known.put(new Place(vehicle, session, channel, unit), true) == null) {
            listener.unknown(vehicle, session, channel, unit);
        }
    }
}
