package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;
import pitwall.plan.LookBackSpec;
import pitwall.plan.Plan;
import pitwall.plan.SeriesKind;
import pitwall.plan.SeriesSpec;
import pitwall.plan.WindowSpec;

import java.io.IOException;

/** What the features of a plan look back on: series of samples, windows over them, and lags. */
final class LookBack {
    private final LookBackSpec spec;
    private final TickTimes times;
    private final Series[] series;
    private final Window[] windows;

    /** The windows over each series. */
    private final Window[][] windowsOf;

    private final Moments scratch = new Moments();

    LookBack(Plan plan) {
        spec = plan.lookBack;
        times = new TickTimes(spec.lengthsUs);
        series = new Series[spec.series.size()];
        for (int i = 0; i < series.length; i++) {
            series[i] = new Series(spec.series.get(i), times);
        }
        windows = new Window[spec.windows.size()];
        for (int i = 0; i < windows.length; i++) {
            WindowSpec window = spec.windows.get(i);
            windows[i] = new Window(window, series[window.series()], times);
        }
        windowsOf = new Window[series.length][];
        for (int i = 0; i < series.length; i++) {
            int[] indices = spec.windowsOf.get(i);
            windowsOf[i] = new Window[indices.length];
            for (int k = 0; k < indices.length; k++) {
                windowsOf[i][k] = windows[indices[k]];
            }
        }
    }

    /** The window of the plan's feature at this place, or null where it has none. */
    Window window(int feature) {
        int window = spec.windowOf(feature);
        return window < 0 ? null : windows[window];
    }

    /** The lagged value that the plan's feature at this place looks back on. */
    Lag lag(int feature) {
        Series lagged = series[spec.seriesOf(feature)];
        return new Lag(lagged, times, times.reach(spec.reachOf(feature)));
    }

    /**
     * Takes in a tick. {@code values} and {@code sent} are as in {@link SessionFeatures#next};
     * {@code dt}: seconds since the tick before.
     */
    void advance(long timeUs, double[] values, boolean[] sent, double dt) {
        if (series.length == 0) {
            return;
        }
        times.add(timeUs);
        for (int i = 0; i < series.length; i++) {
            Series one = series[i];
            double value = one.channel < 0 ? dt : values[one.channel];
            boolean adds = Double.isFinite(value);
            if (one.kind == SeriesKind.NAN) {
                value = adds ? 0 : 1;
                adds = sent[one.channel];
            }
            if (adds) {
                one.add(value);
            }
            for (Window window : windowsOf[i]) {
                if (adds) {
                    window.add(value);
                }
                window.advance(scratch);
            }
        }
    }

    /** Forgets samples that no window and no lag will reach any more. */
    void forget() {
        for (Series one : series) {
            one.forget();
        }
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        long bytes = times.bytes();
        for (Series one : series) {
            bytes += one.bytes();
        }
        for (Window window : windows) {
            bytes += window.bytes();
        }
        return bytes;
    }

    void write(DataOutputView out) throws IOException {
        times.write(out);
        out.writeInt(series.length);
        for (int i = 0; i < series.length; i++) {
            StateBytes.writeText(out, spec.series.get(i).name());
            series[i].write(out);
        }
        out.writeInt(windows.length);
        for (int i = 0; i < windows.length; i++) {
            StateBytes.writeText(out, spec.windows.get(i).name());
            windows[i].write(out);
        }
    }

    /**
     * Takes over the state of this plan or of another one. What both know goes on bit for bit; a
     * new window begins with the samples that were kept.
     */
    void read(DataInputView in) throws IOException {
        times.read(in);
        for (int i = in.readInt(); i > 0; i--) {
            series(StateBytes.readText(in)).read(in);
        }
        boolean[] known = new boolean[windows.length];
        for (int i = in.readInt(); i > 0; i--) {
            int window = window(StateBytes.readText(in));
            if (window < 0) {
                Window.skip(in);
            } else {
                windows[window].read(in, scratch);
                known[window] = true;
            }
        }
        for (int i = 0; i < windows.length; i++) {
            if (!known[i]) {
                windows[i].begin(scratch);
            }
        }
    }

    /** The series of this name; one that is thrown away where the plan has none. */
    private Series series(String name) {
        for (int i = 0; i < series.length; i++) {
            if (spec.series.get(i).name().equals(name)) {
                return series[i];
            }
        }
        return new Series(new SeriesSpec(name, null, -1, -1), times);
    }

    private int window(String name) {
        for (int i = 0; i < windows.length; i++) {
            if (spec.windows.get(i).name().equals(name)) {
                return i;
            }
        }
        return -1;
    }
}
