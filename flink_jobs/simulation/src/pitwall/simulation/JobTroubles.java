package pitwall.simulation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What happens to the job of a world: when it fails and how it is restored, and when its tasks are
 * slow. Times are milliseconds since the world began.
 */
final class JobTroubles {
    /** The job as it is started: its parallelism, and which of the world's definitions hold. */
    record Shape(int sources, int keyed, int definitions) {}

    /** The job fails at a time and is back after {@code downMs} in another shape. */
    record Failure(long atMs, long downMs, Shape after) {}

    /**
     * A keyed task, or with -1 every task, that stands still, or that needs a while for each row.
     *
     * @param rowMs how long each row takes; 0 where the task stands still
     */
    record Slowness(int keyed, long fromMs, long toMs, long rowMs) {
        boolean covers(int task, long ms) {
            return (keyed < 0 || keyed == task) && fromMs <= ms && ms < toMs;
        }
    }

    final Shape first;
    final List<Failure> failures = new ArrayList<>();
    final List<Slowness> slowness = new ArrayList<>();

    /** The sinks fail when they are given rows of these numbers, counted from 1. */
    final List<Long> failingRows = new ArrayList<>();

    /** After a restart each partition is read within so much time. */
    final long comebackMs;

    final long checkpointMs;
    private final Choices choices;
    private final Story story;
    private int shapes;

    /** Draws the troubles. {@code definitions}: how many the world has, one or two. */
    JobTroubles(Choices choices, Story story, long spanMs, long releaseMs, int definitions) {
        this.choices = choices;
        this.story = story;
        checkpointMs = choices.oneOf("checkpoint_ms", 10_000, 3000, 10_000, 30_000);
        comebackMs = choices.has(Ingredient.SLOW_COMEBACK) ? 15_000 : 1000;
        first = new Shape(parallelism("sources"), parallelism("keyed"), 0);
        shapes = 1;
        story.say(first.sources + " source tasks and " + first.keyed + " keyed tasks");
        if (choices.has(Ingredient.RESTART)) {
            fail("restart", spanMs, 300, 20_000, 0);
        }
        if (choices.has(Ingredient.LONG_OUTAGE)) {
            fail("long-outage", spanMs, releaseMs + 1000, releaseMs + 60_000, 0);
        }
        if (definitions > 1) {
            fail("release", spanMs, 1000, 10_000, 1);
        }
        failures.sort(Comparator.comparingLong(Failure::atMs));
        inOrder();
        if (choices.has(Ingredient.FAILING_SINK)) {
            failingRows.add(choices.range("failing-sink.row", 1, 2000));
            story.say("The sinks fail at row " + failingRows.get(0));
        }
        slow(Ingredient.PAUSE, spanMs, 100, 8000, 0, 0);
        slow(Ingredient.SLOW_SINK, spanMs, 1000, 20_000, 5, 200);
    }

    private int parallelism(String name) {
        return 1 + choices.index(name, 3);
    }

    private void fail(String name, long spanMs, long leastMs, long mostMs, int definitions) {
        long atMs = choices.range(name + ".at_ms", 100, Math.max(100, spanMs));
        long downMs = choices.range(name + ".down_ms", leastMs, mostMs);
        failures.add(new Failure(atMs, downMs, shape(definitions)));
    }

    /** Whether a task is slow at some time from one to another. */
    boolean isSlow(long fromMs, long toMs) {
        return slowness.stream().anyMatch(slow -> slow.fromMs <= toMs && slow.toMs >= fromMs);
    }

    /** The shape in which the job is restored. */
    Shape shape(int definitions) {
        if (!choices.has(Ingredient.RESCALE)) {
            return new Shape(first.sources, first.keyed, definitions);
        }
        int number = shapes++;
        return new Shape(
                parallelism("rescale" + number + ".sources"),
                parallelism("rescale" + number + ".keyed"),
                definitions);
    }

    /** Other definitions stay from the release on, and no failure begins before the last ended. */
    private void inOrder() {
        int definitions = 0;
        long upMs = 0;
        for (int i = 0; i < failures.size(); i++) {
            Failure failure = failures.get(i);
            definitions = Math.max(definitions, failure.after.definitions);
            long atMs = Math.max(failure.atMs, upMs + 100);
            Shape after = new Shape(failure.after.sources, failure.after.keyed, definitions);
            failures.set(i, new Failure(atMs, failure.downMs, after));
            upMs = atMs + failure.downMs;
            story.say(
                    "the job",
                    atMs,
                    upMs,
                    '!',
                    "The job is down, and comes back with "
                            + after.sources
                            + " source tasks, "
                            + after.keyed
                            + " keyed tasks and definitions "
                            + definitions);
        }
    }

    private void slow(
            Ingredient ingredient,
            long spanMs,
            long leastMs,
            long mostMs,
            long leastRowMs,
            long mostRowMs) {
        if (!choices.has(ingredient)) {
            return;
        }
        String name = ingredient.id();
        int keyed = choices.index(name + ".keyed", 4) - 1;
        long fromMs = choices.range(name + ".at_ms", 0, spanMs);
        long toMs = fromMs + choices.range(name + ".ms", leastMs, mostMs);
        long rowMs = choices.range(name + ".row_ms", leastRowMs, mostRowMs);
        slowness.add(new Slowness(keyed, fromMs, toMs, rowMs));
        String task = keyed < 0 ? "all tasks" : "keyed task " + keyed;
        String how = rowMs == 0 ? " stands still" : " needs " + rowMs + " ms for each row";
        story.say(task, fromMs, toMs, '.', "A part of the job, " + task + "," + how);
    }
}
