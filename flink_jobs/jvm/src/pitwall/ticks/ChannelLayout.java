package pitwall.ticks;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.LittleEndian;
import pitwall.bytes.StateBytes;
import pitwall.wire.Samples;

import java.io.IOException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** Which channels a tick carries. The ticks of a session share a few layouts. */
public final class ChannelLayout {
    /** The codes of the samples in their order, two bytes each. */
    private final byte[] codes;

    private final String extras;

    private ChannelLayout(byte[] codes, String extras) {
        this.codes = codes;
        this.extras = extras;
    }

    public static ChannelLayout of(Tick tick) {
        byte[] codes = new byte[tick.samples.length / Samples.SIZE * 2];
        for (int at = 0, i = 0; i < codes.length; at += Samples.SIZE, i += 2) {
            LittleEndian.SHORT.set(codes, i, (short) Samples.code(tick.samples, at));
        }
        return new ChannelLayout(codes, tick.extras);
    }

    /** Whether the tick carries these channels in this order. */
    boolean fits(Tick tick) {
        if (tick.samples.length / Samples.SIZE * 2 != codes.length
                || !Objects.equals(tick.extras, extras)) {
            return false;
        }
        for (int at = 0, i = 0; i < codes.length; at += Samples.SIZE, i += 2) {
            short code = (short) LittleEndian.SHORT.get(codes, i);
            if (code != (short) Samples.code(tick.samples, at)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Whether the tick carries no other channels than these. A channel is not covered by another
     * one that stands in for it. {@code known}: number of the plan's channels.
     */
    public boolean covers(Tick tick, int known) {
        if (fits(tick)) {
            return true;
        }
        BitSet channels = new BitSet();
        for (int i = 0; i < codes.length; i += 2) {
            channels.set((short) LittleEndian.SHORT.get(codes, i) & 0xFFFF);
        }
        for (int at = 0; at < tick.samples.length; at += Samples.SIZE) {
            int code = Samples.code(tick.samples, at);
            if ((code & ~Samples.ALIAS) < known && !channels.get(code)) {
                return false;
            }
        }
        if (tick.extras == null || tick.extras.equals(extras)) {
            return true;
        }
        Set<String> ids =
                extras == null ? Set.of() : new HashSet<>(Arrays.asList(extras.split("\n")));
        return ids.containsAll(Arrays.asList(tick.extras.split("\n")));
    }

    /** The same channels in the codes of another plan, as {@link Tick#recode} gives them. */
    ChannelLayout recoded(List<String> from, List<String> to) {
        Samples samples = new Samples();
        for (int i = 0; i < codes.length; i += 2) {
            samples.add((short) LittleEndian.SHORT.get(codes, i) & 0xFFFF, 0);
        }
        Tick tick = new Tick(0, samples.toBytes(), extras, "", 0, 0, 0);
        tick.recode(from, to);
        return of(tick);
    }

    /** Bytes that it takes on the heap, roughly. */
    long bytes() {
        return 64 + codes.length + (extras == null ? 0 : extras.length());
    }

    void write(DataOutputView out) throws IOException {
        out.writeInt(codes.length);
        out.write(codes);
        StateBytes.writeText(out, extras);
    }

    static ChannelLayout read(DataInputView in) throws IOException {
        byte[] codes = new byte[in.readInt()];
        in.readFully(codes);
        return new ChannelLayout(codes, StateBytes.readText(in));
    }
}
