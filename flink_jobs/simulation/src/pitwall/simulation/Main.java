package pitwall.simulation;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Runs worlds for {@code pitwall.lab.simulation}. Standard input has one line for each world: what
 * to do with it, and its text form ({@link Choices}). Standard output has one JSON object a line:
 * the world's verdict, in the order in which they are ready. What to do is
 *
 * <ul>
 *   <li>{@code judge}: run it;
 *   <li>{@code sample}: run it and give a short session with its rows as well;
 *   <li>{@code shrink}: find the smallest world that breaks the same promise; or
 *   <li>the id of a {@link Spoil}: run it and spoil the outcome before it is judged.
 * </ul>
 *
 * <p>Arguments: the file of the definitions, the number of threads, and the ids of ingredients that
 * no drawn world has. Each world runs on one thread.
 */
public final class Main {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Plans definitions;
    private final Set<Ingredient> without = EnumSet.noneOf(Ingredient.class);
    private final BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Main(String[] arguments) throws IOException {
        definitions = Plans.read(Path.of(arguments[0]));
        for (int i = 2; i < arguments.length; i++) {
            without.add(Ingredient.of(arguments[i]));
        }
    }

    public static void main(String[] arguments) throws Exception {
        Main main = new Main(arguments);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(arguments[1]); i++) {
            Thread thread = new Thread(main::work, "worlds-" + i);
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        // Flink's I/O manager has threads of its own.
        System.exit(0);
    }

    private void work() {
        try {
            for (String line = next(); line != null; line = next()) {
                String[] task = line.split(" ", 2);
                long begun = System.nanoTime();
                Simulation.Verdict verdict = verdict(task[0], Choices.parse(task[1], without));
                double seconds = (System.nanoTime() - begun) / 1e9;
                write(task[1], verdict, task[0].equals("sample"), seconds);
            }
        } catch (Throwable e) {
            // Whoever waits for this world's verdict must not wait for ever.
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private Simulation.Verdict verdict(String task, Choices choices) {
        boolean isPlain = List.of("judge", "sample", "shrink").contains(task);
        Spoil spoil = isPlain ? null : Spoil.of(task);
        Simulation.Verdict verdict = Simulation.run(choices, definitions, spoil);
        boolean shrinks = task.equals("shrink") && verdict.broken() != null;
        return shrinks ? Shrinker.shrink(verdict, definitions) : verdict;
    }

    private String next() throws IOException {
        synchronized (in) {
            return in.readLine();
        }
    }

    private void write(String text, Simulation.Verdict verdict, boolean sample, double seconds) {
        ObjectNode line = JSON.createObjectNode();
        line.put("world", text);
        line.put("active_ms", verdict.activeMs());
        line.put("driven_ms", verdict.drivenMs());
        line.put("rows", verdict.rows());
        line.put("late", verdict.lateTicks());
        line.put("seconds", seconds);
        ArrayNode ingredients = line.putArray("ingredients");
        verdict.choices().ingredients().forEach(ingredient -> ingredients.add(ingredient.id()));
        if (sample && verdict.sample() != null) {
            verdict.sample().write(line.putObject("sample"));
        }
        if (verdict.broken() != null) {
            line.put("choices", verdict.choices().text());
            ArrayNode breaches = line.putArray("breaches");
            for (Breach breach : verdict.breaches()) {
                breaches.addObject()
                        .put("promise", breach.promise().id())
                        .put("detail", breach.detail());
            }
            ArrayNode story = line.putArray("story");
            verdict.story().forEach(story::add);
        }
        synchronized (out) {
            out.println(line);
        }
    }
}
