package pitwall.simulation;

import pitwall.plan.Channel;
import pitwall.plan.Plan;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One session of a car: what it measured, and the messages that carry it. Values follow from the
 * session's seed; nothing is stored but the times.
 */
final class CarSession {
    /** Values are whole multiples of this, so that their text is short. */
    private static final double STEP = 0.125;

    private static final int PER_MILLE = 1000;

    /** One channel of the session. */
    record Sensor(String id, double low, double high, SensorRole role, int group) {
        boolean isDistance() {
            return role == SensorRole.DISTANCE;
        }
    }

    /** What a sensor is to the definitions. */
    enum SensorRole {
        MEASURED,
        DISTANCE,
        STAND_IN,
        UNKNOWN
    }

    /**
     * What values follow from.
     *
     * @param lapM length of a lap, metres
     * @param startM place of the first tick, metres
     * @param missing of a thousand samples so many are missing, and as many are NaN
     * @param spins whether the distance falls back by some metres now and then
     */
    record Course(
            long seed, double lapM, double speedMps, double startM, int missing, boolean spins) {}

    final int index;
    final String vehicle;
    final String session;

    /** Session start in microseconds since the epoch, as the session id says it. */
    final long startUs;

    final List<Sensor> sensors;
    final int groups;

    /** Times of the ticks that are sent, microseconds since session start. */
    final long[] timesUs;

    private final Course course;

    /** Values that no sensor measures, by tick: of the distance and of {@link #outlierSensor}. */
    final Map<Integer, Double> absurdDistances = new HashMap<>();

    final Map<Integer, Double> outliers = new HashMap<>();

    CarSession(
            int index,
            String vehicle,
            String session,
            long startUs,
            List<Sensor> sensors,
            int groups,
            long[] timesUs,
            Course course) {
        this.index = index;
        this.vehicle = vehicle;
        this.session = session;
        this.startUs = startUs;
        this.sensors = sensors;
        this.groups = groups;
        this.timesUs = timesUs;
        this.course = course;
    }

    String key() {
        return vehicle + "/" + session;
    }

    private long bits(int tick, int sensor) {
        return Choices.mix(course.seed + tick * 0x9E3779B97F4A7C15L + sensor * 0xD1B54A32D192ED03L);
    }

    /** Whether the tick carries a sample of the sensor. */
    boolean sends(int tick, int sensor) {
        return course.missing == 0
                || sensor == 0
                || (bits(tick, sensor) & 0xFFFF) % PER_MILLE >= course.missing;
    }

    /** The sample; NaN where it is sent as NaN. */
    double value(int tick, int sensor) {
        Sensor channel = sensors.get(sensor);
        if (channel.isDistance()) {
            Double absurd = absurdDistances.get(tick);
            return absurd != null ? absurd : distance(tick);
        }
        Double outlier =
                outliers.isEmpty() || sensor != outlierSensor() ? null : outliers.get(tick);
        return outlier != null ? outlier : measured(tick, sensor);
    }

    /** The sample of a sensor as if there were no outlier. */
    double measured(int tick, int sensor) {
        Sensor channel = sensors.get(sensor);
        long bits = bits(tick, sensor);
        if (course.missing > 0 && ((bits >>> 16) & 0xFFFF) % PER_MILLE < course.missing) {
            return Double.NaN;
        }
        double share = (bits >>> 40) * 0x1p-24;
        return Math.rint((channel.low + share * (channel.high - channel.low)) / STEP) * STEP;
    }

    /** The sensor that outliers are of: the first one that definitions know. */
    int outlierSensor() {
        int sensor = 0;
        while (sensors.get(sensor).role != SensorRole.MEASURED) {
            sensor++;
        }
        return sensor;
    }

    private double distance(int tick) {
        double driven = course.startM + course.speedMps * (timesUs[tick] - timesUs[0]) * 1e-6;
        double distance = driven % course.lapM;
        if (course.spins && bits(tick, -1) % 64 == 0) {
            distance = Math.max(0, distance - 15);
        }
        return Math.rint(distance / STEP) * STEP;
    }

    /** The message with the tick's samples of one group of channels. */
    byte[] message(int tick, int group) {
        StringBuilder json = new StringBuilder(64 + 96 * sensors.size()).append('[');
        for (int i = 0; i < sensors.size(); i++) {
            if (sensors.get(i).group != group || !sends(tick, i)) {
                continue;
            }
            json.append(json.length() > 1 ? ",{" : "{");
            json.append("\"VehicleId\":\"").append(vehicle);
            json.append("\",\"SessionId\":\"").append(session);
            json.append("\",\"Timestamp\":");
            appendSeconds(json, timesUs[tick]);
            json.append(",\"ChannelId\":\"").append(sensors.get(i).id);
            json.append("\",\"ChannelValue\":");
            appendValue(json, value(tick, i));
            json.append('}');
        }
        return json.append(']').toString().getBytes(StandardCharsets.US_ASCII);
    }

    /** Whether a message of this group would carry nothing. */
    boolean isEmpty(int tick, int group) {
        for (int i = 0; i < sensors.size(); i++) {
            if (sensors.get(i).group == group && sends(tick, i)) {
                return false;
            }
        }
        return true;
    }

    private static void appendSeconds(StringBuilder json, long us) {
        json.append(us / 1_000_000).append('.');
        String digits = Long.toString(1_000_000 + us % 1_000_000);
        json.append(digits, 1, digits.length());
    }

    private static void appendValue(StringBuilder json, double value) {
        if (Double.isNaN(value)) {
            json.append("\"NaN\"");
        } else if (Math.abs(value) < 1e9 && value % STEP == 0) {
            long eighths = Math.round(Math.abs(value) / STEP);
            json.append(value < 0 ? "-" : "").append(eighths / 8).append('.');
            String digits = Long.toString(1000 + eighths % 8 * 125);
            json.append(digits, 1, digits.length());
        } else {
            json.append(value);
        }
    }

    /**
     * Spreads a tick over the channels of a plan, as the car meant it: a stand-in fills a channel
     * that has no value.
     *
     * @param groups the groups of channels that arrived, one bit each
     * @param values receives a value for each channel, NaN where there is none
     * @param sent receives for each channel whether the tick carried it
     * @param withOutliers whether outliers count, or what the sensor would have measured
     */
    void spread(
            int tick,
            long groups,
            Plan plan,
            double[] values,
            boolean[] sent,
            boolean withOutliers) {
        for (int c = 0; c < values.length; c++) {
            Channel channel = plan.channels.get(c);
            values[c] = Double.NaN;
            sent[c] = false;
            take(tick, groups, channel.id(), c, values, sent, withOutliers);
            for (String alias : channel.aliases()) {
                if (Double.isNaN(values[c])) {
                    take(tick, groups, alias, c, values, sent, withOutliers);
                }
            }
        }
    }

    private void take(
            int tick,
            long groups,
            String id,
            int channel,
            double[] values,
            boolean[] sent,
            boolean withOutliers) {
        Integer sensor = sensorOf(id);
        if (sensor != null
                && (groups >> sensors.get(sensor).group & 1) != 0
                && sends(tick, sensor)) {
            values[channel] = withOutliers ? value(tick, sensor) : plainValue(tick, sensor);
            sent[channel] = true;
        }
    }

    private double plainValue(int tick, int sensor) {
        return sensors.get(sensor).isDistance() ? value(tick, sensor) : measured(tick, sensor);
    }

    private Map<String, Integer> sensorsById;

    private Integer sensorOf(String id) {
        if (sensorsById == null) {
            sensorsById = new HashMap<>();
            for (int i = 0; i < sensors.size(); i++) {
                sensorsById.put(sensors.get(i).id, i);
            }
        }
        return sensorsById.get(id);
    }
}
