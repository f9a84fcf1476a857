package pitwall.simulation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Kafka of a world: topics with their partitions, and when they are away. Times are milliseconds
 * since the world began.
 */
final class Kafka {
    static final String TOPIC = "p424-telemetry-batch";

    /** The order in which partitions are listed. */
    static final Comparator<PartitionLog> BY_NAME = Comparator.comparing(PartitionLog::name);

    /** A time during which no broker answers. */
    record Away(long fromMs, long toMs) {}

    final List<PartitionLog> logs = new ArrayList<>();
    final List<Away> away = new ArrayList<>();
    private final Map<String, PartitionLog> byName = new HashMap<>();
    private final Choices choices;
    private final Story story;

    Kafka(Choices choices, Story story) {
        this.choices = choices;
        this.story = story;
    }

    /** Adds a topic that is created at this time. Gives its partitions. */
    List<PartitionLog> topic(String name, int partitions, long createdMs) {
        List<PartitionLog> topic = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) {
            PartitionLog log = new PartitionLog(name, partition, createdMs);
            topic.add(log);
            logs.add(log);
            byName.put(log.name(), log);
        }
        return topic;
    }

    /** The record that a row of the operator names. */
    KafkaRecord record(String topic, int partition, long offset) {
        return byName.get(topic + "-" + partition).get(offset);
    }

    /** Draws what goes wrong with partitions while cars drive, until {@code spanMs}. */
    void drawTroubles(long spanMs) {
        trouble(Ingredient.SHORT_STOP, spanMs, 200, 3000, 0, false);
        trouble(Ingredient.LONG_STOP, spanMs, 4000, 30_000, 0, false);
        if (choices.has(Ingredient.LAG)) {
            long delayMs = choices.range("lag.delay_ms", 100, 30_000);
            trouble(Ingredient.LAG, spanMs, 5000, 60_000, delayMs, false);
        }
        trouble(Ingredient.LEADER_CHANGE, spanMs, 200, 2500, 0, true);
        if (choices.has(Ingredient.KAFKA_AWAY)) {
            long fromMs = choices.range("kafka-away.at_ms", 0, spanMs);
            long toMs = fromMs + choices.range("kafka-away.ms", 1000, 60_000);
            away.add(new Away(fromMs, toMs));
            for (PartitionLog log : logs) {
                long backMs = toMs + choices.range("kafka-away.back_ms." + log.name(), 0, 12_000);
                log.troubles.add(new PartitionLog.Trouble(fromMs, backMs, 0, true));
            }
            story.say("Kafka", fromMs, toMs, '#', "Kafka is away");
        }
        if (choices.has(Ingredient.LATE_FIRST_READ)) {
            PartitionLog log = logs.get(choices.index("late-first-read.log", logs.size()));
            log.lateFirstReadMs = choices.range("late-first-read.ms", 500, 25_000);
            story.say(
                    log.name()
                            + " is first read "
                            + Story.seconds(log.lateFirstReadMs)
                            + " later than it could be");
        }
    }

    private void trouble(
            Ingredient ingredient,
            long spanMs,
            long leastMs,
            long mostMs,
            long delayMs,
            boolean alsoWrites) {
        if (!choices.has(ingredient)) {
            return;
        }
        String name = ingredient.id();
        PartitionLog first = logs.get(choices.index(name + ".log", logs.size()));
        long fromMs = choices.range(name + ".at_ms", 0, spanMs);
        long toMs = fromMs + choices.range(name + ".ms", leastMs, mostMs);
        for (PartitionLog log : logs) {
            boolean sameBroker = alsoWrites && (log.partition - first.partition) % 2 == 0;
            if (log == first || sameBroker) {
                log.troubles.add(new PartitionLog.Trouble(fromMs, toMs, delayMs, alsoWrites));
                String what =
                        delayMs > 0
                                ? log.name() + " is read " + Story.seconds(delayMs) + " late"
                                : log.name() + " cannot be read";
                story.say(log.name(), fromMs, toMs, delayMs > 0 ? '~' : 'x', what);
            }
        }
    }

    /** No record follows. Gives the time of the last one that can be read. */
    long seal() {
        long lastMs = 0;
        for (PartitionLog log : logs) {
            log.seal();
            for (int i = 0; i < log.size(); i++) {
                lastMs = Math.max(lastMs, log.readableMs(log.get(i).storedMs));
            }
        }
        return lastMs;
    }

    /** When Kafka was last away, of what has happened until now; {@code sinceMs} if not since. */
    long lastAwayMs(long now, long sinceMs) {
        long last = sinceMs;
        for (Away interval : away) {
            if (interval.fromMs <= now) {
                last = Math.max(last, Math.min(now, interval.toMs));
            }
        }
        return last;
    }
}
