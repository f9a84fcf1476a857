package pitwall.clock;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;

import java.io.IOException;
import java.util.Arrays;

/** The session's own spacing of ticks: the smallest of the last few. */
final class TickSpacing {
    private static final int KEPT = 16;

    private final long[] spacingsUs = new long[KEPT];
    private int added;
    private long smallestUs;

    void add(long us) {
        long droppedUs = spacingsUs[added & (KEPT - 1)];
        spacingsUs[added++ & (KEPT - 1)] = us;
        if (smallestUs == 0 || us <= smallestUs) {
            smallestUs = us;
        } else if (droppedUs == smallestUs) {
            smallestUs = us;
            for (long spacingUs : spacingsUs) {
                if (spacingUs > 0) {
                    smallestUs = Math.min(smallestUs, spacingUs);
                }
            }
        }
    }

    /** Whether no tick is missing between two ticks that are so far apart, microseconds. */
    boolean isNext(long us) {
        return smallestUs > 0 && us <= smallestUs + smallestUs / 2;
    }

    void clear() {
        smallestUs = 0;
        added = 0;
        Arrays.fill(spacingsUs, 0);
    }

    void write(DataOutputView out) throws IOException {
        out.writeInt(added);
        out.writeLong(smallestUs);
        StateBytes.writeLongs(out, spacingsUs);
    }

    void read(DataInputView in) throws IOException {
        added = in.readInt();
        smallestUs = in.readLong();
        System.arraycopy(StateBytes.readLongs(in), 0, spacingsUs, 0, KEPT);
    }
}
