package pitwall.simulation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Sends the drives of one car to the partitions of its topics, as one of several clients would. */
final class Producer {
    /** A message that is sent again is stored within so much time. */
    private static final long RETRY_MS = 500;

    private static final long OLD_STAMP_MS = 30 * 60_000;

    /** How the messages of a session are dealt to partitions. */
    private enum Dealing {
        ONE_PARTITION,
        IN_TURN,
        IN_BATCHES
    }

    private final Choices choices;
    private final Story story;

    /** The partitions of the topic of each channel group. */
    private final List<List<PartitionLog>> topics;

    private final long reorderUs;
    private final long stampMs;
    private final Dealing dealing;
    private final int batch;

    /** When the last message of a run of messages was stored: the next one does not overtake it. */
    private final Map<PartitionLog, Long> lastStoredMs = new HashMap<>();

    /** {@code topics}: the partitions of the topic of each channel group. */
    Producer(
            Choices choices,
            Story story,
            int car,
            List<List<PartitionLog>> topics,
            long reorderUs) {
        this.choices = choices;
        this.story = story;
        this.topics = topics;
        this.reorderUs = reorderUs;
        boolean isOld =
                choices.has(Ingredient.OLD_STAMPS) && choices.index("old-stamps.car", 3) == car;
        stampMs = isOld ? -OLD_STAMP_MS : 0;
        boolean spread = choices.has(Ingredient.SPREAD);
        int index = spread ? choices.index("car" + car + ".dealing", Dealing.values().length) : 0;
        dealing = Dealing.values()[index];
        batch = (int) choices.range("car" + car + ".batch", 2, 40);
        if (isOld) {
            story.say("The record times of car-" + car + " lie 30 minutes back");
        }
    }

    /** Sends a drive. Gives what the judge must know of it. */
    Expectation send(Fleet.Drive drive) {
        SplittableRandom random = choices.draw(drive.prefix() + "sends");
        lastStoredMs.clear();
        Expectation expectation = new Expectation(drive.session());
        int ticks = drive.session().timesUs.length;
        for (List<PartitionLog> topic : topics) {
            expectation.logs.addAll(topic);
        }
        long shiftMs = 0;
        int again = firstAgain(drive);
        List<KafkaRecord> records = new ArrayList<>();
        for (int tick = 0; tick < ticks; tick++) {
            if (tick == again) {
                sendTick(drive, 0, drive.sentMs()[tick] + 1, true, random, records);
                shiftMs = choices.range(drive.prefix() + "again_pause_ms", 0, 3000);
            }
            sendTick(drive, tick, drive.sentMs()[tick] + shiftMs, false, random, records);
        }
        copies(drive, random, records);
        swaps(drive, random, records);
        long endMs = drive.endMs() + shiftMs;
        afterwards(drive, endMs, expectation, random, records);
        for (KafkaRecord record : records) {
            record.log.add(record);
        }
        return expectation;
    }

    private void sendTick(
            Fleet.Drive drive,
            int tick,
            long sentMs,
            boolean isCopy,
            SplittableRandom random,
            List<KafkaRecord> records) {
        CarSession session = drive.session();
        for (int group = 0; group < session.groups; group++) {
            if (session.isEmpty(tick, group)) {
                continue;
            }
            List<PartitionLog> topic = topics.get(group);
            PartitionLog log = topic.get(partition(drive, tick, topic.size()));
            long storedMs = log.writableMs(sentMs + 2 + random.nextInt(7));
            storedMs = Math.max(storedMs, lastStoredMs.getOrDefault(log, 0L));
            lastStoredMs.put(log, storedMs);
            records.add(record(log, sentMs, storedMs, session, tick, group, isCopy));
        }
    }

    private KafkaRecord record(
            PartitionLog log,
            long sentMs,
            long storedMs,
            CarSession session,
            int tick,
            int group,
            boolean isCopy) {
        return new KafkaRecord(log, sentMs + stampMs, storedMs, session, tick, group, null, isCopy);
    }

    private int partition(Fleet.Drive drive, int tick, int partitions) {
        return switch (dealing) {
            case ONE_PARTITION -> drive.car() % partitions;
            case IN_TURN -> tick % partitions;
            case IN_BATCHES -> tick / batch % partitions;
        };
    }

    /** The tick before which the first message comes once more, or -1. */
    private int firstAgain(Fleet.Drive drive) {
        int ticks = drive.session().timesUs.length;
        if (!choices.has(Ingredient.FIRST_AGAIN)) {
            return -1;
        }
        int tick = 1 + choices.index(drive.prefix() + "again_tick", ticks - 1);
        story.say(
                "The first message of "
                        + drive.session().session
                        + " comes once more before its tick "
                        + tick);
        return tick;
    }

    /** Some messages are stored twice: the acknowledgement of the first was lost. */
    private void copies(Fleet.Drive drive, SplittableRandom random, List<KafkaRecord> records) {
        if (!choices.has(Ingredient.DUPLICATES)) {
            return;
        }
        long perMille = choices.range(drive.prefix() + "copies_per_mille", 0, 40);
        long withinMs = choices.range(drive.prefix() + "copies_within_ms", 1, 3000);
        int count = records.size();
        for (int i = 0; i < count; i++) {
            KafkaRecord first = records.get(i);
            if (random.nextInt(1000) < perMille) {
                long storedMs = first.log.writableMs(first.storedMs + random.nextLong(withinMs));
                records.add(
                        new KafkaRecord(
                                first.log,
                                first.createdMs,
                                storedMs,
                                first.session,
                                first.tick,
                                first.group,
                                null,
                                true));
            }
        }
    }

    /** Some messages change places with their successor in the partition, by a retry. */
    private void swaps(Fleet.Drive drive, SplittableRandom random, List<KafkaRecord> records) {
        if (!choices.has(Ingredient.SWAPPED)) {
            return;
        }
        long perMille = choices.range(drive.prefix() + "swaps_per_mille", 0, 40);
        Map<PartitionLog, Integer> previous = new HashMap<>();
        for (int i = 0; i < records.size(); i++) {
            KafkaRecord later = records.get(i);
            Integer at = previous.put(later.log, i);
            if (at == null || later.isCopy || records.get(at).isCopy) {
                continue;
            }
            KafkaRecord earlier = records.get(at);
            long apartUs = later.session.timesUs[later.tick] - later.session.timesUs[earlier.tick];
            boolean near = apartUs <= reorderUs && later.storedMs - earlier.storedMs <= RETRY_MS;
            if (near && random.nextInt(1000) < perMille) {
                records.set(at, stored(earlier, later.storedMs));
                records.set(i, stored(later, earlier.storedMs));
                previous.remove(later.log);
            }
        }
    }

    private static KafkaRecord stored(KafkaRecord record, long storedMs) {
        return new KafkaRecord(
                record.log,
                record.createdMs,
                storedMs,
                record.session,
                record.tick,
                record.group,
                null,
                record.isCopy);
    }

    /** What is sent once more after the end: the last ticks, or the whole session. */
    private void afterwards(
            Fleet.Drive drive,
            long endMs,
            Expectation expectation,
            SplittableRandom random,
            List<KafkaRecord> records) {
        CarSession session = drive.session();
        int ticks = session.timesUs.length;
        boolean replay = choices.has(Ingredient.REPLAY);
        if (drive.car() != 0 || !replay && !choices.has(Ingredient.END_AGAIN)) {
            return;
        }
        String prefix = drive.prefix() + (replay ? "replay" : "end_again");
        long afterMs = choices.oneOf(prefix + "_after_ms", 3000, 30_000, 700_000);
        int from = replay ? 0 : Math.max(1, ticks - 1 - choices.index(prefix + "_ticks", 10));
        if (from >= ticks) {
            return;
        }
        lastStoredMs.clear();
        for (int tick = from; tick < ticks; tick++) {
            long sentMs = endMs + afterMs + drive.sentMs()[tick] - drive.sentMs()[from];
            sendTick(drive, tick, sentMs, true, random, records);
        }
        expectation.replays += replay ? 1 : 0;
        story.say(
                session.session,
                endMs + afterMs,
                endMs + afterMs + drive.endMs() - drive.sentMs()[from],
                '+',
                (replay ? "The whole session " : "The last " + (ticks - from) + " ticks of ")
                        + session.session
                        + " once more");
    }
}
