package pitwall.wire;

import java.util.LinkedHashMap;
import java.util.Map;

/** The part of one tick that one message carries. */
public final class MessageTick {
    public final String vehicle;
    public final String session;

    /** Session start, microseconds since the epoch. */
    public final long startUs;

    /** Time of the tick, microseconds since session start. */
    public final long timeUs;

    public final Samples samples = new Samples();

    /** Ids of channels that the plan does not know, one a line; null when there are none. */
    public String extras;

    /** Codes of the channels that the plan does not know; null where there is none so far. */
    private Map<String, Integer> extraCodes;

    MessageTick(String vehicle, String session, long startUs, long timeUs) {
        this.vehicle = vehicle;
        this.session = session;
        this.startUs = startUs;
        this.timeUs = timeUs;
    }

    /** The code of a channel that the plan does not know. {@code known}: channels in the plan. */
    int extraCode(String channel, int known) {
        if (extraCodes == null) {
            extraCodes = new LinkedHashMap<>();
        }
        return extraCodes.computeIfAbsent(channel, id -> known + extraCodes.size());
    }

    /** No sample follows: sets {@link #extras}. */
    void close() {
        extras = extraCodes == null ? null : String.join("\n", extraCodes.keySet());
        extraCodes = null;
    }

    /** About how many bytes of memory its samples and texts hold. */
    long size() {
        int characters =
                vehicle.length() + session.length() + (extras == null ? 0 : extras.length());
        return samples.capacity() + 2L * characters;
    }
}
