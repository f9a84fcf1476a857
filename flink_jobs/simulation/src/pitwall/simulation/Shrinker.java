package pitwall.simulation;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes a counterexample small: gives choices their simplest or a simpler value, as long as the
 * world still breaks the promise.
 */
final class Shrinker {
    private static final int MAX_RUNS = 400;

    private final Plans definitions;
    private final Promise promise;
    private Simulation.Verdict smallest;
    private int runs;

    private Shrinker(Plans definitions, Promise promise) {
        this.definitions = definitions;
        this.promise = promise;
    }

    /** The smallest world found that breaks the same promise as this one. */
    static Simulation.Verdict shrink(Simulation.Verdict broken, Plans definitions) {
        Shrinker shrinker = new Shrinker(definitions, broken.broken());
        shrinker.smallest = broken;
        boolean again = true;
        while (again && shrinker.runs < MAX_RUNS) {
            again = shrinker.dropIngredients();
            again |= shrinker.simplify();
        }
        return shrinker.smallest;
    }

    private boolean dropIngredients() {
        boolean changed = false;
        for (Choices.Choice choice : smallest.choices().beyondSimplest()) {
            if (isIngredient(choice.name())) {
                changed |= trial(choice.name(), choice.simplest());
            }
        }
        return changed;
    }

    private static boolean isIngredient(String name) {
        for (Ingredient ingredient : Ingredient.values()) {
            if (ingredient.id().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private boolean simplify() {
        boolean changed = false;
        for (Choices.Choice choice : smallest.choices().beyondSimplest()) {
            if (isIngredient(choice.name())) {
                continue;
            }
            if (trial(choice.name(), choice.simplest())) {
                changed = true;
                continue;
            }
            // Between a value that is too simple and one that breaks the promise.
            long tooSimple = choice.simplest();
            long broken = choice.value();
            while (Math.abs(broken - tooSimple) > Math.max(1, Math.abs(broken) / 16)) {
                long middle = tooSimple + (broken - tooSimple) / 2;
                if (trial(choice.name(), middle)) {
                    changed = true;
                    broken = middle;
                } else {
                    tooSimple = middle;
                }
            }
        }
        return changed;
    }

    /** Tries another value of a choice, and keeps it where the promise is still broken. */
    private boolean trial(String name, long value) {
        List<Choices.Choice> choices = smallest.choices().beyondSimplest();
        Map<String, Long> given = new LinkedHashMap<>();
        boolean isMade = false;
        for (Choices.Choice choice : choices) {
            isMade |= choice.name().equals(name) && choice.value() != value;
            given.put(choice.name(), choice.value());
        }
        if (!isMade || runs >= MAX_RUNS) {
            return false;
        }
        given.put(name, value);
        runs++;
        Simulation.Verdict verdict =
                Simulation.run(Choices.only(smallest.choices().seed, given), definitions);
        if (verdict.broken() == promise) {
            smallest = verdict;
            return true;
        }
        return false;
    }
}
