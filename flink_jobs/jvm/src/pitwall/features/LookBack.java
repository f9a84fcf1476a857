package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;
import pitwall.plan.Channel;
import pitwall.plan.Feature;
import pitwall.plan.Plan;
import pitwall.plan.WindowPart;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * What the features of a plan look back on: series of samples, and windows over them. Features of
 * the same series and width share one window.
 */
final class LookBack {
    private final Plan plan;
    private final Map<String, Series> seriesByName = new LinkedHashMap<>();
    private final Map<String, Window> windowsByName = new LinkedHashMap<>();
    private final Series[] allSeries;
    private final Window[] allWindows;

    LookBack(Plan plan) {
        this.plan = plan;
        Map<String, List<Feature>> windowUsers = new LinkedHashMap<>();
        for (Feature feature : plan.features) {
            if (feature.kind().series == null) {
                continue;
            }
            Series series =
                    seriesByName.computeIfAbsent(
                            seriesName(feature),
                            name -> new Series(feature.kind().series, feature.channel()));
            series.keepUs = Math.max(series.keepUs, feature.windowUs());
            if (feature.kind().window != null) {
                windowUsers
                        .computeIfAbsent(windowName(feature), name -> new ArrayList<>())
                        .add(feature);
            }
        }
        windowUsers.forEach((name, features) -> windowsByName.put(name, window(features)));
        allSeries = seriesByName.values().toArray(new Series[0]);
        allWindows = windowsByName.values().toArray(new Window[0]);
    }

    /** The series of a feature, or null for a kind that has none. */
    Series series(Feature feature) {
        return feature.kind().series == null ? null : seriesByName.get(seriesName(feature));
    }

    /** The window of a feature, or null for a kind that has none. */
    Window window(Feature feature) {
        return feature.kind().window == null ? null : windowsByName.get(windowName(feature));
    }

    private Window window(List<Feature> users) {
        Feature first = users.get(0);
        return new Window(
                series(first),
                first.windowUs(),
                users.stream().anyMatch(user -> user.kind().window == WindowPart.EXTREMES),
                users.stream().anyMatch(user -> user.kind().window == WindowPart.SLOPE),
                thresholds(users, WindowPart.ABOVE),
                thresholds(users, WindowPart.BELOW));
    }

    private static double[] thresholds(List<Feature> users, WindowPart side) {
        TreeSet<Double> thresholds = new TreeSet<>();
        users.stream()
                .filter(user -> user.kind().window == side)
                .forEach(user -> thresholds.add(user.argument()));
        return thresholds.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private String seriesName(Feature feature) {
        int channel = feature.channel();
        return feature.kind().series + ":" + (channel < 0 ? "" : plan.channels.get(channel).id());
    }

    private String windowName(Feature feature) {
        return seriesName(feature) + "/" + feature.windowUs();
    }

    /**
     * Takes in a tick. {@code values} and {@code sent} are as in {@link SessionFeatures#next};
     * {@code dt}: seconds since the tick before.
     */
    void advance(long timeUs, double[] values, boolean[] sent, double dt) {
        for (Series series : allSeries) {
            double value = series.channel < 0 ? dt : values[series.channel];
            switch (series.kind) {
                case VALUE -> {
                    if (!Double.isNaN(value)) {
                        series.add(timeUs, value);
                    }
                }
                case NAN -> {
                    if (sent[series.channel]) {
                        series.add(timeUs, Double.isNaN(value) ? 1 : 0);
                    }
                }
                case OUT_OF_RANGE -> {
                    if (!Double.isNaN(value)) {
                        Channel channel = plan.channels.get(series.channel);
                        boolean outside = value < channel.low() || value > channel.high();
                        series.add(timeUs, outside ? 1 : 0);
                    }
                }
                case SPACING -> series.add(timeUs, dt);
            }
        }
        for (Window window : allWindows) {
            window.advance(timeUs);
        }
    }

    /** Forgets samples that no window will reach any more. */
    void forget(long timeUs) {
        for (Series series : allSeries) {
            series.forget(timeUs);
        }
    }

    void write(DataOutputView out) throws IOException {
        out.writeInt(seriesByName.size());
        for (Map.Entry<String, Series> series : seriesByName.entrySet()) {
            StateBytes.writeText(out, series.getKey());
            series.getValue().write(out);
        }
        out.writeInt(windowsByName.size());
        for (Map.Entry<String, Window> window : windowsByName.entrySet()) {
            StateBytes.writeText(out, window.getKey());
            window.getValue().write(out);
        }
    }

    /**
     * Takes over the state of this plan or of another one. What both know goes on bit for bit; a
     * new window begins with the samples that were kept.
     */
    void read(DataInputView in) throws IOException {
        for (int i = in.readInt(); i > 0; i--) {
            Series series = seriesByName.get(StateBytes.readText(in));
            (series == null ? Series.unused() : series).read(in);
        }
        windowsByName.values().forEach(Window::begin);
        for (int i = in.readInt(); i > 0; i--) {
            Window window = windowsByName.get(StateBytes.readText(in));
            (window == null ? Window.unused() : window).read(in);
        }
    }
}
