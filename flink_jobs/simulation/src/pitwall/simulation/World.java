package pitwall.simulation;

import pitwall.plan.Plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One world, drawn from its choices: cars that send, Kafka that stores, and what will happen to the
 * job. Times are milliseconds since the world began.
 */
final class World {
    /** When worlds begin, milliseconds since the epoch: 2030-01-01. */
    static final long EPOCH_MS = 1_893_456_000_000L;

    final Choices choices;
    final Story story = new Story();

    /** The definitions that the job begins with, and those that it goes on with, if any. */
    final List<Plan> plans;

    /** The name of the first ones. */
    String definitions;

    final Kafka kafka;
    final JobTroubles job;

    /** What is expected of each session, by vehicle and session id. */
    final Map<String, Expectation> expectations = new LinkedHashMap<>();

    /** When the last record can be read. */
    final long lastReadableMs;

    /** Session time that cars drive, milliseconds. */
    long drivenMs;

    /** Sessions of one tick that come in a burst, and when it ends. */
    int burst;

    long burstEndMs;

    private final Map<Integer, Producer> producers = new HashMap<>();

    World(Choices choices, Plans definitions) {
        this.choices = choices;
        plans = plans(definitions);
        List<Fleet.Drive> drives = new Fleet(choices, story, plans).draw();
        kafka = new Kafka(choices, story);
        Map<Integer, List<List<PartitionLog>>> topics = topics(drives);
        long spanMs = 0;
        for (Fleet.Drive drive : drives) {
            spanMs = Math.max(spanMs, drive.endMs());
            drivenMs += drive.endMs() - drive.startMs();
        }
        kafka.drawTroubles(spanMs);
        for (Fleet.Drive drive : drives) {
            Producer producer =
                    producers.computeIfAbsent(
                            drive.car(),
                            car ->
                                    new Producer(
                                            choices,
                                            story,
                                            car,
                                            topics.get(car),
                                            plans.get(0).reorderUs));
            expect(producer.send(drive));
        }
        new Strangers(this, spanMs).send();
        lastReadableMs = kafka.seal();
        job = new JobTroubles(choices, story, spanMs, plans.get(0).releaseMs, plans.size());
    }

    void expect(Expectation expectation) {
        expectations.put(expectation.session.key(), expectation);
    }

    private List<Plan> plans(Plans definitions) {
        if (choices.has(Ingredient.CHANGED_DEFINITIONS) && !definitions.changes.isEmpty()) {
            Plans.Change change =
                    definitions.changes.get(choices.index("change", definitions.changes.size()));
            Plans.Named before = definitions.all.get(change.from());
            Plans.Named after = definitions.all.get(change.to());
            this.definitions = before.name();
            story.say("Definitions '" + before.name() + "', later '" + after.name() + "'");
            return List.of(before.plan(), after.plan());
        }
        // Most worlds have few features, so that many worlds fit into a minute.
        int index = choices.index("definitions", 4 * definitions.all.size());
        Plans.Named named = definitions.all.get(index < definitions.all.size() ? index : 0);
        this.definitions = named.name();
        story.say("Definitions '" + named.name() + "'");
        return List.of(named.plan());
    }

    /** The partitions of the topics that each car sends to, one topic a channel group. */
    private Map<Integer, List<List<PartitionLog>>> topics(List<Fleet.Drive> drives) {
        Map<Integer, List<List<PartitionLog>>> byCar = new HashMap<>();
        Map<String, List<PartitionLog>> topics = new HashMap<>();
        for (Fleet.Drive drive : drives) {
            if (byCar.containsKey(drive.car())) {
                continue;
            }
            boolean isNew = choices.has(Ingredient.NEW_TOPIC);
            boolean own = drive.session().groups > 1 || isNew;
            List<List<PartitionLog>> ofCar = new ArrayList<>();
            for (int group = 0; group < drive.session().groups; group++) {
                String name = own ? "-car" + drive.car() + "-" + group : "";
                long createdMs =
                        isNew ? drive.startMs() - choices.range("new-topic.lead_ms", 0, 3000) : 0;
                ofCar.add(
                        topics.computeIfAbsent(
                                name,
                                topic ->
                                        kafka.topic(
                                                Kafka.TOPIC + topic,
                                                1 + choices.index("partitions" + topic, 4),
                                                createdMs)));
            }
            byCar.put(drive.car(), ofCar);
        }
        return byCar;
    }
}
