package pitwall.simulation;

import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;

/** What a world says about a session to its judge. */
final class Expectation {
    final CarSession session;

    /** The partitions that bring the session. */
    final Set<PartitionLog> logs = new LinkedHashSet<>();

    /** How often the whole session is sent once more. */
    int replays;

    /** Whether it is one of many sessions of one tick each. */
    boolean isBurst;

    /** Times of the ticks that came to the telemetry history, microseconds since session start. */
    final Set<Long> historyUs = new HashSet<>();

    Expectation(CarSession session) {
        this.session = session;
    }
}
