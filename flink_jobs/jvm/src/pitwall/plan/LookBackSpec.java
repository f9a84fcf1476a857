package pitwall.plan;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * What the features of a plan look back on: series of samples, windows over them, and the lengths
 * of time that they reach back. Features of the same series and length share one window.
 */
public final class LookBackSpec implements Serializable {
    /** Longest window or lag, microseconds of session time. */
    public static final long LONGEST_US = 600_000_000;

    /** Every length of a window or lag, once, microseconds. */
    public final List<Long> lengthsUs = new ArrayList<>();

    public final List<SeriesSpec> series = new ArrayList<>();
    public final List<WindowSpec> windows = new ArrayList<>();

    /** For each series, the indices of its windows. */
    public final List<int[]> windowsOf = new ArrayList<>();

    /** Where each feature looks: indices in the lists above, -1 where it needs none. */
    private final int[] seriesOf;

    private final int[] windowOf;
    private final int[] reachOf;

    LookBackSpec(List<Channel> channels, List<Feature> features) {
        seriesOf = new int[features.size()];
        windowOf = new int[features.size()];
        reachOf = new int[features.size()];
        Map<String, Integer> seriesByName = new LinkedHashMap<>();
        Map<String, List<Integer>> users = new LinkedHashMap<>();
        for (int i = 0; i < seriesOf.length; i++) {
            Feature feature = features.get(i);
            SeriesKind kind = feature.kind().series;
            seriesOf[i] = windowOf[i] = reachOf[i] = -1;
            if (kind == null) {
                continue;
            }
            int channel = feature.channel();
            String name = kind + ":" + (channel < 0 ? "" : channels.get(channel).id());
            reachOf[i] = reach(feature.windowUs());
            seriesOf[i] = seriesByName.computeIfAbsent(name, key -> addSeries(key, feature));
            if (lengthsUs.get(series.get(seriesOf[i]).reach()) < feature.windowUs()) {
                series.set(seriesOf[i], new SeriesSpec(name, kind, channel, reachOf[i]));
            }
            if (feature.kind().window != null) {
                users.computeIfAbsent(name + "/" + feature.windowUs(), key -> new ArrayList<>())
                        .add(i);
            }
        }
        users.forEach(
                (name, sharing) -> {
                    sharing.forEach(i -> windowOf[i] = windows.size());
                    int first = sharing.get(0);
                    List<Feature> sharers = sharing.stream().map(features::get).toList();
                    windows.add(window(name, seriesOf[first], reachOf[first], sharers, channels));
                });
        for (int i = 0; i < series.size(); i++) {
            int of = i;
            windowsOf.add(
                    IntStream.range(0, windows.size())
                            .filter(window -> windows.get(window).series() == of)
                            .toArray());
        }
    }

    private int addSeries(String name, Feature feature) {
        int reach = lengthsUs.indexOf(feature.windowUs());
        series.add(new SeriesSpec(name, feature.kind().series, feature.channel(), reach));
        return series.size() - 1;
    }

    private int reach(long lengthUs) {
        if (!lengthsUs.contains(lengthUs)) {
            lengthsUs.add(lengthUs);
        }
        return lengthsUs.indexOf(lengthUs);
    }

    private static WindowSpec window(
            String name, int series, int reach, List<Feature> users, List<Channel> channels) {
        Set<WindowPart> parts = EnumSet.noneOf(WindowPart.class);
        TreeSet<Double> above = new TreeSet<>();
        TreeSet<Double> below = new TreeSet<>();
        for (Feature user : users) {
            parts.add(user.kind().window);
            switch (user.kind().window) {
                case ABOVE -> above.add(user.argument());
                case BELOW -> below.add(user.argument());
                case OUTSIDE -> {
                    below.add(channels.get(user.channel()).low());
                    above.add(channels.get(user.channel()).high());
                }
                default -> {}
            }
        }
        return new WindowSpec(name, series, reach, parts, doubles(above), doubles(below));
    }

    private static double[] doubles(TreeSet<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }

    /** Index of the series that the plan's feature at this place looks back on, or -1. */
    public int seriesOf(int feature) {
        return seriesOf[feature];
    }

    /** Index of the window of the plan's feature at this place, or -1. */
    public int windowOf(int feature) {
        return windowOf[feature];
    }

    /** Index of the length that the plan's feature at this place looks back, or -1. */
    public int reachOf(int feature) {
        return reachOf[feature];
    }
}
