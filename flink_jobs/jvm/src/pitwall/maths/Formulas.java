package pitwall.maths;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;
import pitwall.plan.Formula;
import pitwall.plan.Plan;

import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.WeakHashMap;

/** The maths channels of one session. */
public final class Formulas {
    private static final Map<Plan, CompiledFormulas> COMPILED = new WeakHashMap<>();

    private final Plan plan;
    private final CompiledFormulas compiled;
    private final int sentByCar;

    /** A value for each source of the plan at the last tick, and whether the tick carried it. */
    public final double[] values;

    public final boolean[] sent;

    private final double[] kept;

    private Formulas(Plan plan) {
        this.plan = plan;
        compiled = compiled(plan);
        sentByCar = plan.channels.size();
        values = new double[plan.sources.size()];
        sent = new boolean[values.length];
        kept = new double[plan.formulas.stream().mapToInt(FormulaCode::slots).sum()];
        Arrays.fill(kept, Double.NaN);
    }

    /** The formulas of a new session; null where the plan has none. */
    public static Formulas of(Plan plan) {
        return plan.formulas.isEmpty() ? null : new Formulas(plan);
    }

    /**
     * The compiled formulas of a plan. They are compiled once for each plan. Throws
     * IllegalArgumentException where the plan has a step that is not known.
     */
    public static synchronized CompiledFormulas compiled(Plan plan) {
        return COMPILED.computeIfAbsent(plan, FormulaCode::compile);
    }

    /**
     * Computes the formulas at the next tick, into {@link #values} and {@link #sent}.
     *
     * @param values a value for each channel of the plan, and {@code sent} whether it came
     */
    public void next(
            long timeUs, long beforeUs, boolean newLap, double[] values, boolean[] sent) {
        System.arraycopy(values, 0, this.values, 0, sentByCar);
        System.arraycopy(sent, 0, this.sent, 0, sentByCar);
        compiled.next(timeUs, beforeUs, newLap ? 1 : 0, this.values, this.sent, kept);
    }

    /** Estimated bytes on the heap. */
    public long bytes() {
        return 120 + 9L * values.length + 8L * kept.length;
    }

    /** Writes what is kept, by the key of each formula. */
    public void write(DataOutputView out) throws IOException {
        out.writeInt(plan.formulas.size());
        int at = 0;
        for (Formula formula : plan.formulas) {
            int slots = FormulaCode.slots(formula);
            StateBytes.writeText(out, formula.key());
            out.writeInt(slots);
            for (int end = at + slots; at < end; at++) {
                out.writeDouble(kept[at]);
            }
        }
    }

    /** Takes over what is kept of each formula that computes the same; others begin anew. */
    public void read(DataInputView in) throws IOException {
        read(in, this);
    }

    /** Reads over what a plan's formulas kept. */
    public static void skip(DataInputView in) throws IOException {
        read(in, null);
    }

    private static void read(DataInputView in, Formulas into) throws IOException {
        for (int left = in.readInt(); left > 0; left--) {
            int at = into == null ? -1 : into.place(StateBytes.readText(in));
            if (into == null) {
                StateBytes.readText(in);
            }
            for (int slots = in.readInt(); slots > 0; slots--) {
                double value = in.readDouble();
                if (at >= 0) {
                    into.kept[at++] = value;
                }
            }
        }
    }

    /** Where what the formula of this key keeps begins, or -1. */
    private int place(String key) {
        int at = 0;
        for (Formula formula : plan.formulas) {
            if (formula.key().equals(key)) {
                return at;
            }
            at += FormulaCode.slots(formula);
        }
        return -1;
    }
}
