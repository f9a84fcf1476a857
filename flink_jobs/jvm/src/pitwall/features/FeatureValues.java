package pitwall.features;

import pitwall.plan.Feature;

import java.util.function.ToDoubleFunction;

/** What each kind of feature computes. A new kind is added here and in {@code FeatureKind}. */
final class FeatureValues {
    private final LookBack lookBack;
    private final Lap lap;
    private final LapSums lapSums;

    FeatureValues(LookBack lookBack, Lap lap, LapSums lapSums) {
        this.lookBack = lookBack;
        this.lap = lap;
        this.lapSums = lapSums;
    }

    /** How the feature's value is computed from the session's state. */
    FeatureValue of(Feature feature) {
        int c = feature.channel();
        Window window = lookBack.window(feature);
        double argument = feature.argument();
        int sector = (int) argument - 1;
        return switch (feature.kind()) {
            case LAST -> (t, v) -> v[c];
            case ROLLING_MEAN, NAN_SHARE, OUT_OF_RANGE_SHARE -> ofSamples(window, Window::mean);
            case ROLLING_STD -> ofSamples(window, w -> Math.sqrt(w.variance()));
            case ROLLING_MIN -> ofSamples(window, Window::min);
            case ROLLING_MAX -> ofSamples(window, Window::max);
            case ROLLING_RANGE -> ofSamples(window, w -> w.max() - w.min());
            case ROLLING_RMS ->
                    ofSamples(window, w -> Math.sqrt(w.variance() + w.mean() * w.mean()));
            case ROLLING_SLOPE -> ofSamples(window, Window::slope);
            case ROLLING_COUNT, TICKS -> (t, v) -> window.count();
            case GAPS -> (t, v) -> window.countAbove(argument);
            case SHARE_ABOVE -> ofSamples(window, w -> (double) w.countAbove(argument) / w.count());
            case SHARE_BELOW -> ofSamples(window, w -> (double) w.countBelow(argument) / w.count());
            case LAG -> lagged(feature);
            case DIFF -> {
                FeatureValue lagged = lagged(feature);
                yield (t, v) -> v[c] - lagged.at(t, v);
            }
            case LAP_MEAN -> (t, v) -> lapSums.mean(c);
            case LAP_INTEGRAL -> (t, v) -> lapSums.integral(c);
            case SESSION_TIME -> (t, v) -> t * 1e-6;
            case LAP_NUMBER -> (t, v) -> lap.isKnown() ? lap.number() : Double.NaN;
            case LAP_TIME -> (t, v) -> lap.isKnown() ? t * 1e-6 - lap.startS() : Double.NaN;
            case LAP_FROM_START ->
                    (t, v) -> !lap.isKnown() ? Double.NaN : lap.isFromStart() ? 1 : 0;
            case LAP_FRACTION -> (t, v) -> lap.fraction();
            case LAST_LAP_TIME -> (t, v) -> lap.lastTime();
            case BEST_LAP_TIME -> (t, v) -> lap.bestTime();
            case DELTA_TO_BEST -> (t, v) -> lap.deltaToBest(t * 1e-6);
            case DELTA_TO_REFERENCE -> (t, v) -> lap.deltaTo(feature.reference(), t * 1e-6);
            case SECTOR -> (t, v) -> lap.sectors.sector() == 0 ? Double.NaN : lap.sectors.sector();
            case SECTOR_TIME ->
                    (t, v) ->
                            lap.sectors.sector() == 0
                                    ? Double.NaN
                                    : t * 1e-6 - lap.sectors.startS();
            case LAST_SECTOR_TIME -> (t, v) -> lap.sectors.last(sector);
            case BEST_SECTOR_TIME -> (t, v) -> lap.sectors.best(sector);
        };
    }

    /** NaN while the window is empty. */
    private static FeatureValue ofSamples(Window window, ToDoubleFunction<Window> value) {
        return (t, v) -> window.count() == 0 ? Double.NaN : value.applyAsDouble(window);
    }

    private FeatureValue lagged(Feature feature) {
        Series series = lookBack.series(feature);
        Series.Cursor cursor = series.new Cursor();
        return (t, v) -> {
            long at = cursor.at(t - feature.windowUs());
            return at < 0 ? Double.NaN : series.value(at);
        };
    }
}
