package pitwall.simulation;

import pitwall.plan.Channel;
import pitwall.plan.Feature;
import pitwall.plan.Plan;
import pitwall.simulation.CarSession.SensorRole;
import pitwall.simulation.CarSession.Sensor;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;

/** Draws the cars of a world: their sessions, what they measure and when. */
final class Fleet {
    private static final DateTimeFormatter SESSION_ID =
            DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

    /** A session, and how its car sends it. Times are milliseconds since the world began. */
    record Drive(
            int car,
            String prefix,
            CarSession session,
            long startMs,
            long[] sentMs,
            double spacingMs,
            int stalledTick) {
        long endMs() {
            return sentMs[sentMs.length - 1];
        }
    }

    private final Choices choices;
    private final Story story;
    private final List<Plan> plans;
    private final List<Drive> drives = new ArrayList<>();

    Fleet(Choices choices, Story story, List<Plan> plans) {
        this.choices = choices;
        this.story = story;
        this.plans = plans;
    }

    /** The drives of all cars. */
    List<Drive> draw() {
        int cars = (int) choices.range("cars", 1, 3);
        for (int car = 0; car < cars; car++) {
            long startMs = 2000 + choices.range("car" + car + ".start_ms", 0, 60_000);
            int sessions = (int) choices.range("car" + car + ".sessions", 1, 2);
            for (int session = 0; session < sessions; session++) {
                Drive drive = drive(car, session, startMs);
                drives.add(drive);
                startMs =
                        drive.endMs() + 1500 + choices.range(drive.prefix + "break_ms", 0, 20_000);
            }
        }
        return drives;
    }

    private Drive drive(int car, int number, long startMs) {
        String prefix = "car" + car + (number == 0 ? "." : ".second.");
        SplittableRandom random = choices.draw(prefix + "times");
        long rateHz = choices.oneOf("car" + car + ".rate_hz", 10, 10, 10, 20, 25, 50);
        long lengthS = choices.range(prefix + "length_s", 3, 100);
        if (choices.has(Ingredient.LONG_SESSION) && car == 0 && number == 0) {
            lengthS = choices.range("long-session.length_s", 300, 5400);
            rateHz = 10;
        }
        double spacingUs = 1e6 / rateHz;
        long[] all = times(prefix, random, spacingUs, (int) (lengthS * rateHz));
        long[] pauseMs = new long[all.length];
        int stalledTick = stall(prefix, all, pauseMs);
        boolean[] lost = lost(prefix, random, all.length);
        long[] timesUs = new long[all.length];
        long[] sentMs = new long[all.length];
        int kept = 0;
        long shiftMs = 0;
        for (int i = 0; i < all.length; i++) {
            shiftMs += pauseMs[i];
            if (!lost[i]) {
                timesUs[kept] = all[i];
                sentMs[kept++] = startMs + (all[i] - all[0]) / 1000 + shiftMs + random.nextInt(3);
            }
        }
        CarSession session =
                session(car, number, startMs, prefix, Arrays.copyOf(timesUs, kept), (int) rateHz);
        long[] sent = Arrays.copyOf(sentMs, kept);
        String what = session.vehicle + ", session " + (number + 1);
        story.say(
                what,
                startMs,
                sent[kept - 1],
                '=',
                what + " drives at " + rateHz + " Hz, " + kept + " ticks");
        return new Drive(car, prefix, session, startMs, sent, spacingUs / 1000, stalledTick);
    }

    private long[] times(String prefix, SplittableRandom random, double spacingUs, int ticks) {
        long firstUs = choices.range(prefix + "first_us", 0, 900_000);
        double jitter =
                choices.has(Ingredient.JITTER)
                        ? choices.range(prefix + "jitter_percent", 0, 20) / 100.0
                        : 0;
        long[] all = new long[ticks];
        for (int i = 0; i < ticks; i++) {
            double shake = jitter == 0 || i == 0 ? 0 : (random.nextDouble() * 2 - 1) * jitter;
            all[i] = firstUs + Math.round((i + shake) * spacingUs);
        }
        return all;
    }

    /** Draws a pause: of sending alone, or of the ticks' times as well. Gives its tick or -1. */
    private int stall(String prefix, long[] timesUs, long[] pauseMs) {
        if (!choices.has(Ingredient.STALL)) {
            return -1;
        }
        long ms = choices.range(prefix + "stall_ms", 0, 20_000);
        int tick = 1 + choices.index(prefix + "stall_tick", timesUs.length - 1);
        if (ms == 0) {
            return -1;
        }
        if (choices.range(prefix + "stall_in_session", 0, 1) == 0) {
            pauseMs[tick] = ms;
        } else {
            for (int i = tick; i < timesUs.length; i++) {
                timesUs[i] += ms * 1000;
            }
        }
        story.say("A car stalls for " + Story.seconds(ms) + " before its tick " + tick);
        return tick;
    }

    private boolean[] lost(String prefix, SplittableRandom random, int ticks) {
        boolean[] lost = new boolean[ticks];
        if (choices.has(Ingredient.LOST_TICKS)) {
            long perMille = choices.range(prefix + "lost_per_mille", 0, 60);
            for (int i = 1; i < ticks; i++) {
                lost[i] = random.nextInt(1000) < perMille;
            }
        }
        return lost;
    }

    private CarSession session(
            int car, int number, long startMs, String prefix, long[] timesUs, int rateHz) {
        Instant start = Instant.ofEpochMilli(World.EPOCH_MS + startMs / 1000 * 1000);
        int groups =
                choices.has(Ingredient.GROUP_MODE)
                        ? (int) choices.range("car" + car + ".groups", 1, 3)
                        : 1;
        CarSession session =
                new CarSession(
                        drives.size(),
                        "car-" + car,
                        SESSION_ID.format(start) + "-" + car + number,
                        start.getEpochSecond() * 1_000_000,
                        sensors(groups),
                        groups,
                        timesUs,
                        course(prefix, Choices.mix(choices.seed * 31 + car * 2 + number)));
        absurdities(car, prefix, session, rateHz);
        return session;
    }

    private CarSession.Course course(String prefix, long seed) {
        return new CarSession.Course(
                seed,
                300 + choices.range(prefix + "lap_m", 0, 2000),
                30 + choices.range(prefix + "speed_mps", 0, 60),
                choices.range(prefix + "start_m", 0, 2000),
                choices.has(Ingredient.MISSING_VALUES)
                        ? (int) choices.range(prefix + "missing_per_mille", 0, 100)
                        : 0,
                choices.has(Ingredient.SPINS));
    }

    /** The channels that the definitions use, and those that no definition knows. */
    private List<Sensor> sensors(int groups) {
        TreeSet<String> used = new TreeSet<>();
        Channel distance = plans.get(0).channels.get(plans.get(0).distance);
        List<Channel> channels = new ArrayList<>();
        for (Plan plan : plans) {
            for (Feature feature : plan.features) {
                if (feature.channel() >= 0) {
                    Channel channel = plan.channels.get(feature.channel());
                    if (used.add(channel.id())) {
                        channels.add(channel);
                    }
                }
            }
        }
        List<Sensor> sensors = new ArrayList<>();
        if (choices.has(Ingredient.ALIAS)) {
            String standIn = distance.aliases().get(0);
            sensors.add(new Sensor(standIn, 0, 9000, SensorRole.STAND_IN, 0));
        }
        for (Channel channel : channels) {
            if (!channel.id().equals(distance.id())) {
                sensors.add(sensor(channel, SensorRole.MEASURED, sensors.size() % groups));
            }
        }
        sensors.add(sensor(distance, SensorRole.DISTANCE, groups - 1));
        if (choices.has(Ingredient.UNKNOWN_CHANNELS)) {
            for (int i = 0; i < 2; i++) {
                String id = "UNKNOWN" + i;
                sensors.add(new Sensor(id, 0, 100, SensorRole.UNKNOWN, i % groups));
            }
        }
        return sensors;
    }

    private static Sensor sensor(Channel channel, SensorRole role, int group) {
        return new Sensor(channel.id(), channel.low(), channel.high(), role, group);
    }

    private void absurdities(int car, String prefix, CarSession session, int rateHz) {
        int ticks = session.timesUs.length;
        if (choices.has(Ingredient.ABSURD_DISTANCE) && car == 0) {
            int tick = choices.index(prefix + "absurd_tick", ticks);
            double[][] shapes = {{2.15e10}, {3.4e38}, {-5000, -4700}, {1e15, 0, 1e15}};
            double[] shape = shapes[choices.index(prefix + "absurd_shape", shapes.length)];
            for (int i = 0; i < shape.length && tick + i < ticks; i++) {
                session.absurdDistances.put(tick + i, shape[i]);
            }
            story.say(
                    "The lap distance of "
                            + session.vehicle
                            + " is "
                            + Arrays.toString(shape)
                            + " m at tick "
                            + tick);
        }
        if (choices.has(Ingredient.OUTLIER) && car == 0) {
            int tick = choices.index(prefix + "outlier_tick", ticks);
            double[] values = {1e17, 1e9, 1e200, -1e17};
            double value = values[choices.index(prefix + "outlier_value", values.length)];
            session.outliers.put(tick, value);
            String sensor = session.sensors.get(session.outlierSensor()).id();
            story.say(
                    "A sample of "
                            + sensor
                            + " of "
                            + session.vehicle
                            + " is "
                            + value
                            + " at tick "
                            + tick
                            + " of "
                            + ticks
                            + " ("
                            + rateHz
                            + " Hz)");
        }
    }
}
