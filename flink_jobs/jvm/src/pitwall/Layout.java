package pitwall;

import java.io.IOException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Which channels a tick carries. Ticks of one session share a few of these. */
final class Layout {
    private final byte[] codes;
    private final String extras;

    private Layout(byte[] codes, String extras) {
        this.codes = codes;
        this.extras = extras;
    }

    static Layout of(Tick tick) {
        byte[] codes = new byte[tick.samples.length / Samples.SIZE * 2];
        for (int at = 0, i = 0; i < codes.length; at += Samples.SIZE, i += 2) {
            Bytes.SHORT.set(codes, i, (short) Samples.code(tick.samples, at));
        }
        return new Layout(codes, tick.extras);
    }

    /** Whether the tick carries these channels in this order. */
    boolean fits(Tick tick) {
        if (tick.samples.length / Samples.SIZE * 2 != codes.length || !Objects.equals(tick.extras, extras)) {
            return false;
        }
        for (int at = 0, i = 0; i < codes.length; at += Samples.SIZE, i += 2) {
            if ((short) Bytes.SHORT.get(codes, i) != (short) Samples.code(tick.samples, at)) {
                return false;
            }
        }
        return true;
    }

    /** Whether the tick carries no channel but these. {@code known}: channels in the plan, beyond which extras are counted. */
    boolean covers(Tick tick, int known) {
        if (fits(tick)) {
            return true;
        }
        BitSet ours = new BitSet(known);
        for (int i = 0; i < codes.length; i += 2) {
            ours.set((short) Bytes.SHORT.get(codes, i) & ~Samples.ALIAS & 0xFFFF);
        }
        for (int at = 0; at < tick.samples.length; at += Samples.SIZE) {
            int code = Samples.code(tick.samples, at) & ~Samples.ALIAS;
            if (code < known && !ours.get(code)) {
                return false;
            }
        }
        if (tick.extras == null || tick.extras.equals(extras)) {
            return true;
        }
        Set<String> names = extras == null ? Set.of() : new HashSet<>(Arrays.asList(extras.split("\n")));
        return names.containsAll(Arrays.asList(tick.extras.split("\n")));
    }

    void write(DataOutputView out) throws IOException {
        out.writeInt(codes.length);
        out.write(codes);
        Text.write(out, extras);
    }

    static Layout read(DataInputView in) throws IOException {
        byte[] codes = new byte[in.readInt()];
        in.readFully(codes);
        return new Layout(codes, Text.read(in));
    }
}
