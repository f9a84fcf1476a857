package pitwall.simulation;

import java.util.Locale;

/**
 * What may happen in a simulated world beyond healthy cars, a healthy Kafka and a healthy job. A
 * seed draws each ingredient with its percentage, so that most worlds have a few of them.
 */
enum Ingredient {
    // Sessions
    LOST_TICKS(30, "some ticks are never sent"),
    JITTER(30, "ticks are not evenly spaced"),
    MISSING_VALUES(30, "some samples are missing, null or NaN"),
    SPINS(15, "the distance falls back by some metres now and then"),
    STALL(20, "a car stops sending for a while and goes on"),
    LONG_SESSION(3, "a session of up to an hour"),

    // Values and messages
    ABSURD_DISTANCE(8, "a lap distance far outside its range"),
    OUTLIER(8, "a single huge value that leaves every window again"),
    ALIAS(10, "a channel and its stand-in are both sent"),
    UNKNOWN_CHANNELS(15, "channels that the definitions do not know"),
    DAMAGED(10, "messages that no reader can read"),
    BURST(3, "a session id for each of many messages"),

    // Producers
    SPREAD(50, "a session is spread over all partitions of its topic"),
    GROUP_MODE(15, "a topic for each group of channels"),
    DUPLICATES(30, "messages that are stored twice"),
    SWAPPED(30, "neighbouring messages change places within the bound"),
    FIRST_AGAIN(10, "the first message comes once more in mid-session"),
    END_AGAIN(8, "the last ticks are sent once more after the end"),
    REPLAY(8, "a whole session is sent once more"),
    OLD_STAMPS(8, "the record times of one car lie 30 minutes back"),

    // Kafka
    NEW_TOPIC(30, "a topic appears while the job runs"),
    LATE_FIRST_READ(8, "one partition of a topic is first read seconds after the others"),
    SHORT_STOP(25, "a partition cannot be read for up to three seconds"),
    LONG_STOP(10, "a partition cannot be read for up to thirty seconds"),
    LAG(15, "a partition is read with a delay of up to thirty seconds"),
    LEADER_CHANGE(20, "partitions change their leader"),
    KAFKA_AWAY(10, "all of Kafka is away for a while"),

    // The job
    RESTART(30, "the job fails and is restored from its last checkpoint"),
    SLOW_COMEBACK(10, "after a restart partitions come back one by one"),
    LONG_OUTAGE(6, "the job is down for longer than sessions are kept"),
    RESCALE(15, "the job is restored with another parallelism"),
    CHANGED_DEFINITIONS(15, "the job goes on with other definitions"),
    PAUSE(20, "a task stands still for a while"),
    SLOW_SINK(15, "a sink slows a task down"),
    FAILING_SINK(10, "a sink fails and takes the job with it");

    /** How often a seed has it. */
    final int percent;

    /** What happens, in words. */
    final String words;

    Ingredient(int percent, String words) {
        this.percent = percent;
        this.words = words;
    }

    /** Its name in choices, options and files. */
    String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The ingredient of this id. Throws IllegalArgumentException with the known ones. */
    static Ingredient of(String id) {
        for (Ingredient ingredient : values()) {
            if (ingredient.id().equals(id)) {
                return ingredient;
            }
        }
        StringBuilder known = new StringBuilder();
        for (Ingredient ingredient : values()) {
            known.append(' ').append(ingredient.id());
        }
        throw new IllegalArgumentException("no ingredient '" + id + "'; there are" + known);
    }
}
