package pitwall.simulation;

import pitwall.features.SessionFeatures;
import pitwall.plan.Feature;
import pitwall.plan.Plan;

import java.util.ArrayList;
import java.util.List;

/**
 * The features of one session as they must be: computed from the car's own ticks in order, without
 * clock, partitions and restores. Once more without outliers, to see whether they leave.
 */
final class Ideal {
    private static final long LAG_SLACK_US = 2_000_000;
    private static final double TOLERANCE = 1e-6;

    private final List<Plan> plans;
    private final CarSession session;

    /** Definitions under which the session began. */
    private final int first;

    private final List<SessionFeatures> features = new ArrayList<>();
    private final List<SessionFeatures> withoutOutliers = new ArrayList<>();

    /** What the last tick gave, for each of the definitions. */
    private final List<double[]> values = new ArrayList<>();

    private final List<double[]> plainValues = new ArrayList<>();

    Ideal(List<Plan> plans, CarSession session, int first) {
        this.plans = plans;
        this.session = session;
        this.first = first;
        for (Plan plan : plans) {
            features.add(new SessionFeatures(plan));
            withoutOutliers.add(new SessionFeatures(plan));
            values.add(new double[plan.features.size()]);
            plainValues.add(new double[plan.features.size()]);
        }
    }

    /**
     * Advances to a tick, and says where the row differs; null where it does not. Features that the
     * definitions did not have when the session began are not compared.
     */
    String difference(int tick, long groups, FeatureRow row) {
        for (int d = 0; d < plans.size(); d++) {
            next(tick, groups, plans.get(d), features.get(d), values.get(d), true);
            if (!session.outliers.isEmpty()) {
                next(tick, groups, plans.get(d), withoutOutliers.get(d), plainValues.get(d), false);
            }
        }
        Plan plan = plans.get(row.definitions);
        double[] expected = values.get(row.definitions);
        for (int i = 0; i < expected.length; i++) {
            if (isOld(plan, plan.features.get(i))
                    && Double.doubleToLongBits(expected[i])
                            != Double.doubleToLongBits(row.values[i])) {
                return plan.features.get(i).name()
                        + " is "
                        + row.values[i]
                        + ", not "
                        + expected[i];
            }
        }
        return null;
    }

    private void next(
            int tick,
            long groups,
            Plan plan,
            SessionFeatures features,
            double[] out,
            boolean withOutliers) {
        double[] values = new double[plan.channels.size()];
        boolean[] sent = new boolean[values.length];
        session.spread(tick, groups, plan, values, sent, withOutliers);
        features.next(session.timesUs[tick], values, sent, out);
    }

    /** Whether the definitions that the session began under have the feature, too. */
    private boolean isOld(Plan plan, Feature feature) {
        Plan before = plans.get(first);
        if (before == plan) {
            return true;
        }
        for (Feature old : before.features) {
            if (old.name().equals(feature.name())
                    && old.kind() == feature.kind()
                    && old.windowUs() == feature.windowUs()
                    && old.argument() == feature.argument()
                    && channel(before, old).equals(channel(plan, feature))) {
                return true;
            }
        }
        return false;
    }

    private static String channel(Plan plan, Feature feature) {
        return feature.channel() < 0 ? "" : plan.channels.get(feature.channel()).id();
    }

    /** What an outlier still does to a feature whose window it has left; null for nothing. */
    String outlier(int tick, FeatureRow row) {
        Plan plan = plans.get(row.definitions);
        for (int outlier : session.outliers.keySet()) {
            for (int i = 0; i < row.values.length; i++) {
                Feature feature = plan.features.get(i);
                long sinceUs = session.timesUs[tick] - session.timesUs[outlier];
                // A lag takes the newest sample that is old enough, which may be older still.
                long reachUs =
                        feature.windowUs() + (feature.kind().window == null ? LAG_SLACK_US : 0);
                if (!isOld(plan, feature)
                        || feature.windowUs() == 0
                        || sinceUs <= reachUs
                        || outlier > tick) {
                    continue;
                }
                double plain = plainValues.get(row.definitions)[i];
                if (differs(row.values[i], plain)) {
                    return feature.name()
                            + " is "
                            + row.values[i]
                            + ", and "
                            + plain
                            + " without the value that left";
                }
            }
        }
        return null;
    }

    private static boolean differs(double value, double plain) {
        if (Double.isNaN(value) || Double.isNaN(plain)) {
            return Double.isNaN(value) != Double.isNaN(plain);
        }
        return Math.abs(value - plain) > TOLERANCE * Math.max(1, Math.abs(plain));
    }
}
