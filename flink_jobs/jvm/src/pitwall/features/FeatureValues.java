package pitwall.features;

import pitwall.plan.Channel;
import pitwall.plan.Feature;

import java.util.List;
import java.util.function.ToDoubleFunction;

/** What each kind of feature computes. A new kind is added here and in {@code FeatureKind}. */
final class FeatureValues {
    private static final double NaN = Double.NaN;

    private final List<Channel> channels;
    private final LookBack lookBack;
    private final Lap lap;
    private final LapSums lapSums;

    FeatureValues(List<Channel> channels, LookBack lookBack, Lap lap, LapSums lapSums) {
        this.channels = channels;
        this.lookBack = lookBack;
        this.lap = lap;
        this.lapSums = lapSums;
    }

    /** How the value of each feature of a plan is computed from the session's state. */
    FeatureValue[] all(List<Feature> features) {
        FeatureValue[] values = new FeatureValue[features.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = of(i, features.get(i));
        }
        return values;
    }

    private FeatureValue of(int place, Feature feature) {
        int c = feature.channel();
        Window window = lookBack.window(place);
        double argument = feature.argument();
        int sector = (int) argument - 1;
        int sum = lapSums.place(c);
        return switch (feature.kind()) {
            case LAST -> (t, v) -> v[c];
            case ROLLING_MEAN -> (t, v) -> window.hasSamples() ? window.mean() : NaN;
            case ROLLING_STD -> (t, v) -> window.hasSamples() ? window.deviation() : NaN;
            case ROLLING_MIN -> (t, v) -> window.hasSamples() ? window.min() : NaN;
            case ROLLING_MAX -> (t, v) -> window.hasSamples() ? window.max() : NaN;
            case ROLLING_RANGE ->
                    (t, v) -> window.hasSamples() ? window.max() - window.min() : NaN;
            case ROLLING_RMS -> (t, v) -> window.hasSamples() ? window.rootMeanSquare() : NaN;
            case ROLLING_SLOPE -> (t, v) -> window.hasSamples() ? window.slope() : NaN;
            case ROLLING_COUNT, TICKS -> ofWhole(window, Window::count);
            case GAPS -> ofWhole(window, w -> w.countAbove(argument));
            case SHARE_ABOVE, NAN_SHARE -> shareOf(window, w -> w.countAbove(argument));
            case SHARE_BELOW -> shareOf(window, w -> w.countBelow(argument));
            case OUT_OF_RANGE_SHARE -> {
                double low = channels.get(c).low();
                double high = channels.get(c).high();
                yield shareOf(window, w -> w.countBelow(low) + w.countAbove(high));
            }
            case LAG -> {
                Lag lag = lookBack.lag(place);
                yield (t, v) -> lag.value();
            }
            case DIFF -> {
                Lag lag = lookBack.lag(place);
                yield (t, v) -> v[c] - lag.value();
            }
            case LAP_MEAN -> (t, v) -> lapSums.mean(sum);
            case LAP_INTEGRAL -> (t, v) -> lapSums.integral(sum);
            case SESSION_TIME -> (t, v) -> t * 1e-6;
            case LAP_NUMBER -> (t, v) -> lap.isKnown() ? lap.number() : NaN;
            case LAP_TIME -> (t, v) -> lap.isKnown() ? t * 1e-6 - lap.startS() : NaN;
            case LAP_FROM_START ->
                    (t, v) -> !lap.isKnown() ? NaN : lap.isFromStart() ? 1 : 0;
            case LAP_FRACTION -> (t, v) -> lap.fraction();
            case LAST_LAP_TIME -> (t, v) -> lap.lastTime();
            case BEST_LAP_TIME -> (t, v) -> lap.bestTime();
            case DELTA_TO_BEST -> (t, v) -> lap.deltaToBest(t * 1e-6);
            case DELTA_TO_REFERENCE -> (t, v) -> lap.deltaTo(feature.reference(), t * 1e-6);
            case SECTOR -> (t, v) -> inSector() ? lap.sectors.sector() : NaN;
            case SECTOR_TIME ->
                    (t, v) -> inSector() ? t * 1e-6 - lap.sectors.startS() : NaN;
            case LAST_SECTOR_TIME -> (t, v) -> lap.sectors.last(sector);
            case BEST_SECTOR_TIME -> (t, v) -> lap.sectors.best(sector);
        };
    }

    /** Whether the sector that the car is in is known. */
    private boolean inSector() {
        return lap.isPlaced() && lap.sectors.sector() != 0;
    }

    /** NaN where ticks of the window had to be dropped. */
    private static FeatureValue ofWhole(Window window, ToDoubleFunction<Window> value) {
        return (t, v) -> window.isWhole() ? value.applyAsDouble(window) : NaN;
    }

    /** Share of the window's samples that a count is. */
    private static FeatureValue shareOf(Window window, ToDoubleFunction<Window> count) {
        return (t, v) ->
                window.hasSamples() ? count.applyAsDouble(window) / window.count() : NaN;
    }
}
