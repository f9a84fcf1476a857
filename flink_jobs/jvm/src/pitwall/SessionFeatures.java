package pitwall;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** The features of one session: its windows and its lap, advanced tick by tick in order. */
final class SessionFeatures {
    /** One feature, given the state after the tick was taken in. NaN stands for null. */
    private interface Value {
        double at(long timeUs, double[] values);
    }

    private final Plan plan;
    private final Map<String, Series> series = new LinkedHashMap<>();
    private final Map<String, Window> windows = new LinkedHashMap<>();
    private final Series[] allSeries;
    private final Window[] allWindows;
    private final Value[] features;
    private final int[] summed;
    private final double[] lapSum;
    private final long[] lapCount;
    private final double[] lapIntegral;
    private Lap lap;
    private long previousUs = Long.MIN_VALUE;

    SessionFeatures(Plan plan) {
        this.plan = plan;
        int channels = plan.channels.size();
        lap = new Lap(plan.sectors);
        lapSum = new double[channels];
        lapCount = new long[channels];
        lapIntegral = new double[channels];
        summed = plan.features.stream().filter(f -> f.kind().startsWith("lap_") && f.channel() >= 0)
                .mapToInt(Plan.Feature::channel).distinct().sorted().toArray();
        Map<String, List<Plan.Feature>> users = new LinkedHashMap<>();
        for (Plan.Feature f : plan.features) {
            Series.Kind kind = seriesOf(f);
            if (kind == null) {
                continue;
            }
            Series s = series.computeIfAbsent(name(kind, f.channel()), k -> new Series(kind, f.channel()));
            s.keepUs = Math.max(s.keepUs, f.windowUs());
            if (windowed(f)) {
                users.computeIfAbsent(name(kind, f.channel()) + "/" + f.windowUs(), k -> new ArrayList<>()).add(f);
            }
        }
        users.forEach((key, fs) -> windows.put(key, new Window(
                series.get(key.substring(0, key.lastIndexOf('/'))),
                fs.get(0).windowUs(),
                any(fs, "rolling_min", "rolling_max", "rolling_range"),
                any(fs, "rolling_slope"),
                thresholds(fs, "share_above", "gaps"),
                thresholds(fs, "share_below"))));
        allSeries = series.values().toArray(new Series[0]);
        allWindows = windows.values().toArray(new Window[0]);
        features = plan.features.stream().map(this::compile).toArray(Value[]::new);
    }

    private static Series.Kind seriesOf(Plan.Feature f) {
        return switch (f.kind()) {
            case "lag", "diff", "share_above", "share_below" -> Series.Kind.VALUE;
            case "nan_share" -> Series.Kind.NAN;
            case "out_of_range_share" -> Series.Kind.OUT_OF_RANGE;
            case "ticks", "gaps" -> Series.Kind.SPACING;
            default -> f.kind().startsWith("rolling_") ? Series.Kind.VALUE : null;
        };
    }

    private static boolean windowed(Plan.Feature f) {
        return !f.kind().equals("lag") && !f.kind().equals("diff");
    }

    private String name(Series.Kind kind, int channel) {
        return kind + ":" + (channel < 0 ? "" : plan.channels.get(channel).id());
    }

    private static boolean any(List<Plan.Feature> features, String... kinds) {
        return features.stream().anyMatch(f -> Arrays.asList(kinds).contains(f.kind()));
    }

    private static double[] thresholds(List<Plan.Feature> features, String... kinds) {
        TreeSet<Double> found = new TreeSet<>();
        features.stream().filter(f -> Arrays.asList(kinds).contains(f.kind())).forEach(f -> found.add(f.argument()));
        return found.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private Value compile(Plan.Feature f) {
        int c = f.channel();
        Series s = seriesOf(f) == null ? null : series.get(name(seriesOf(f), c));
        Window w = s == null || !windowed(f) ? null : windows.get(name(seriesOf(f), c) + "/" + f.windowUs());
        int sector = (int) f.argument() - 1;
        return switch (f.kind()) {
            case "last" -> (t, v) -> v[c];
            case "rolling_mean" -> filled(w, Window::mean);
            case "rolling_std" -> filled(w, x -> Math.sqrt(x.variance()));
            case "rolling_min" -> filled(w, Window::min);
            case "rolling_max" -> filled(w, Window::max);
            case "rolling_range" -> filled(w, x -> x.max() - x.min());
            case "rolling_rms" -> filled(w, x -> Math.sqrt(x.variance() + x.mean() * x.mean()));
            case "rolling_slope" -> filled(w, Window::slope);
            case "rolling_count", "ticks" -> (t, v) -> w.count();
            case "gaps" -> (t, v) -> w.countAbove(f.argument());
            case "share_above" -> filled(w, x -> (double) x.countAbove(f.argument()) / x.count());
            case "share_below" -> filled(w, x -> (double) x.countBelow(f.argument()) / x.count());
            case "nan_share", "out_of_range_share" -> filled(w, Window::mean);
            case "lag" -> {
                Series.Cursor then = s.new Cursor();
                yield (t, v) -> {
                    long at = then.at(t - f.windowUs());
                    return at < 0 ? Double.NaN : s.value(at);
                };
            }
            case "diff" -> {
                Series.Cursor then = s.new Cursor();
                yield (t, v) -> {
                    long at = then.at(t - f.windowUs());
                    return at < 0 ? Double.NaN : v[c] - s.value(at);
                };
            }
            case "lap_mean" -> (t, v) -> lapCount[c] == 0 ? Double.NaN : lapSum[c] / lapCount[c];
            case "lap_integral" -> (t, v) -> lapCount[c] == 0 ? Double.NaN : lapIntegral[c];
            case "session_time" -> (t, v) -> t * 1e-6;
            case "lap_number" -> (t, v) -> lap.number == 0 ? Double.NaN : lap.number;
            case "lap_time" -> (t, v) -> lap.number == 0 ? Double.NaN : t * 1e-6 - lap.startS;
            case "lap_from_start" -> (t, v) -> lap.number == 0 ? Double.NaN : lap.fromStart ? 1 : 0;
            case "lap_fraction" -> (t, v) -> lap.fraction();
            case "last_lap_time" -> (t, v) -> lap.lastTime;
            case "best_lap_time" -> (t, v) -> lap.bestTime;
            case "delta_to_best" -> (t, v) -> lap.deltaToBest(t * 1e-6);
            case "delta_to_reference" -> (t, v) -> lap.deltaTo(f.reference(), t * 1e-6);
            case "sector" -> (t, v) -> lap.sector == 0 ? Double.NaN : lap.sector;
            case "sector_time" -> (t, v) -> lap.sector == 0 ? Double.NaN : t * 1e-6 - lap.sectorStartS;
            case "last_sector_time" -> (t, v) -> lap.lastSectors[sector];
            case "best_sector_time" -> (t, v) -> lap.bestSectors[sector];
            default -> throw new IllegalArgumentException("unknown kind of feature: " + f.kind());
        };
    }

    private static Value filled(Window w, ToDoubleFunction<Window> value) {
        return (t, v) -> w.count() == 0 ? Double.NaN : value.applyAsDouble(w);
    }

    /**
     * Advance to the next tick. {@code values}: a value a channel of the plan, NaN where there is none; {@code sent}:
     * whether the tick carried the channel. {@code out} gets a value a feature, NaN for null.
     */
    void next(long timeUs, double[] values, boolean[] sent, double[] out) {
        if (lap.advance(timeUs * 1e-6, values[plan.distance]) && lap.number > 1) {
            Arrays.fill(lapSum, 0);
            Arrays.fill(lapCount, 0);
            Arrays.fill(lapIntegral, 0);
        }
        double dt = previousUs == Long.MIN_VALUE ? 0 : (timeUs - previousUs) * 1e-6;
        previousUs = timeUs;
        for (int c : summed) {
            if (!Double.isNaN(values[c])) {
                lapSum[c] += values[c];
                lapCount[c]++;
                lapIntegral[c] += values[c] * dt;
            }
        }
        for (Series s : allSeries) {
            double value = s.channel < 0 ? dt : values[s.channel];
            switch (s.kind) {
                case VALUE -> {
                    if (!Double.isNaN(value)) {
                        s.add(timeUs, value);
                    }
                }
                case NAN -> {
                    if (sent[s.channel]) {
                        s.add(timeUs, Double.isNaN(value) ? 1 : 0);
                    }
                }
                case OUT_OF_RANGE -> {
                    if (!Double.isNaN(value)) {
                        Plan.Channel channel = plan.channels.get(s.channel);
                        s.add(timeUs, value < channel.low() || value > channel.high() ? 1 : 0);
                    }
                }
                case SPACING -> s.add(timeUs, dt);
            }
        }
        for (Window window : allWindows) {
            window.advance(timeUs);
        }
        for (int i = 0; i < features.length; i++) {
            double value = features[i].at(timeUs, values);
            out[i] = Double.isFinite(value) ? value + 0.0 : Double.NaN;
        }
        for (Series s : allSeries) {
            s.forget(timeUs);
        }
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(previousUs);
        out.writeInt(plan.sectors);
        lap.write(out);
        out.writeInt(summed.length);
        for (int c : summed) {
            Text.write(out, plan.channels.get(c).id());
            out.writeDouble(lapSum[c]);
            out.writeLong(lapCount[c]);
            out.writeDouble(lapIntegral[c]);
        }
        out.writeInt(series.size());
        for (Map.Entry<String, Series> entry : series.entrySet()) {
            Text.write(out, entry.getKey());
            entry.getValue().write(out);
        }
        out.writeInt(windows.size());
        for (Map.Entry<String, Window> entry : windows.entrySet()) {
            Text.write(out, entry.getKey());
            out.writeBoolean(entry.getValue().hasSlope());
            entry.getValue().write(out);
        }
    }

    /** State of this plan or of another: what both know goes on bit for bit, what is new begins with the samples kept. */
    void read(DataInputView in) throws IOException {
        previousUs = in.readLong();
        Lap was = new Lap(in.readInt());
        was.read(in);
        lap = was.as(plan.sectors);
        Map<String, Integer> index = new LinkedHashMap<>();
        for (int i = 0; i < plan.channels.size(); i++) {
            index.put(plan.channels.get(i).id(), i);
        }
        for (int i = in.readInt(); i > 0; i--) {
            Integer c = index.get(Text.read(in));
            double sum = in.readDouble();
            long count = in.readLong();
            double integral = in.readDouble();
            if (c != null) {
                lapSum[c] = sum;
                lapCount[c] = count;
                lapIntegral[c] = integral;
            }
        }
        for (int i = in.readInt(); i > 0; i--) {
            Series known = series.get(Text.read(in));
            (known == null ? new Series(Series.Kind.VALUE, -1) : known).read(in);
        }
        windows.values().forEach(Window::begin);
        for (int i = in.readInt(); i > 0; i--) {
            Window known = windows.get(Text.read(in));
            boolean hadSlope = in.readBoolean();
            Series none = new Series(Series.Kind.VALUE, -1);
            (known == null ? new Window(none, 0, false, true, new double[0], new double[0]) : known).read(in, hadSlope);
        }
    }
}
