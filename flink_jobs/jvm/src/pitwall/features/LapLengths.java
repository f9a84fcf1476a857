package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;

import java.io.IOException;
import java.util.Arrays;

/** The lengths of the laps before, whose median is the circuit's length. In metres. */
final class LapLengths {
    /** A whole lap is as long as the circuit, within this share of it. */
    private static final double SHARE = 0.02;

    /** So many laps are kept, the newest ones. */
    private static final int KEPT = 31;

    private double[] lengths = new double[0];

    void add(double length) {
        int dropped = Math.max(0, lengths.length + 1 - KEPT);
        double[] longer = Arrays.copyOfRange(lengths, dropped, lengths.length + 1);
        longer[longer.length - 1] = length;
        lengths = longer;
    }

    /** Whether so many metres are the length of the circuit. There is at least one lap. */
    boolean isCircuit(double metres) {
        double[] rising = lengths.clone();
        Arrays.sort(rising);
        double circuit = rising[rising.length / 2];
        return Math.abs(metres - circuit) <= SHARE * circuit;
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return 40 + 8L * lengths.length;
    }

    void write(DataOutputView out) throws IOException {
        StateBytes.writeDoubles(out, lengths);
    }

    void read(DataInputView in) throws IOException {
        lengths = StateBytes.readDoubles(in);
    }
}
