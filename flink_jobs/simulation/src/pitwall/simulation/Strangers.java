package pitwall.simulation;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;

/** Sends what no healthy car sends: damaged messages, and a session id for each message. */
final class Strangers {
    private static final String HEAD = "[{\"VehicleId\":\"x\",\"SessionId\":\"20300101-000000\",";
    private static final String TAIL = "\"ChannelId\":\"SPEED\",\"ChannelValue\":1.0}]";

    private static final String[] DAMAGED = {
        "",
        "{}",
        "[]",
        "[",
        "[[",
        "nonsense",
        HEAD,
        HEAD + "\"Timestamp\":1e300," + TAIL,
        HEAD + "\"Timestamp\":\"NaN\"," + TAIL,
        HEAD + "\"Timestamp\":-9e99," + TAIL,
        HEAD + TAIL,
        HEAD + "\"Timestamp\":1.0," + TAIL + "]",
        HEAD.replace("20300101", "yesterday") + "\"Timestamp\":1.0," + TAIL,
        HEAD + "\"Timestamp\":1.0," + TAIL.replace("1.0", "1,0"),
        HEAD + "\"Timestamp\":1.0," + TAIL.replace("SPEED", "\u0001"),
    };

    private final World world;
    private final Choices choices;
    private final long spanMs;

    Strangers(World world, long spanMs) {
        this.world = world;
        this.choices = world.choices;
        this.spanMs = spanMs;
    }

    void send() {
        if (choices.has(Ingredient.DAMAGED)) {
            damaged();
        }
        if (choices.has(Ingredient.BURST)) {
            burst();
        }
    }

    private void damaged() {
        SplittableRandom random = choices.draw("damaged.sends");
        long count = choices.range("damaged.count", 1, 40);
        List<PartitionLog> logs = world.kafka.logs;
        for (int i = 0; i < count; i++) {
            PartitionLog log = logs.get(random.nextInt(logs.size()));
            long ms = log.writableMs(log.createdMs + random.nextLong(Math.max(1, spanMs)));
            byte[] value = DAMAGED[random.nextInt(DAMAGED.length)].getBytes(StandardCharsets.UTF_8);
            log.add(new KafkaRecord(log, ms, ms, null, -1, 0, value, false));
        }
        world.story.say(count + " messages are damaged");
    }

    private void burst() {
        long count = choices.range("burst.count", 1, 1500);
        long atMs = 2000 + choices.range("burst.at_ms", 0, spanMs);
        List<PartitionLog> logs = world.kafka.logs;
        CarSession like = world.expectations.values().iterator().next().session;
        for (int i = 0; i < count; i++) {
            PartitionLog log = logs.get(i % logs.size());
            CarSession session =
                    new CarSession(
                            world.expectations.size(),
                            "burst",
                            "20300101-000000-" + i,
                            World.EPOCH_MS * 1000,
                            like.sensors.stream().filter(sensor -> sensor.group() == 0).toList(),
                            1,
                            new long[] {1000L * i},
                            new CarSession.Course(i, 1000, 50, 0, 0, false));
            long ms = log.writableMs(Math.max(log.createdMs, atMs) + i * 1000L / count);
            log.add(new KafkaRecord(log, ms, ms, session, 0, 0, null, false));
            Expectation expectation = new Expectation(session);
            expectation.logs.add(log);
            expectation.isBurst = true;
            world.expect(expectation);
        }
        world.burst = (int) count;
        world.burstEndMs = atMs + 1000;
        world.story.say(
                "the burst",
                atMs,
                atMs + 1000,
                '*',
                count + " messages have a session id of their own each");
    }
}
