package pitwall.simulation;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * The one source of a world's choices. Each choice has a name and a simplest value. Its value
 * follows from the seed and the name alone, so that one choice can be changed and all others stay.
 *
 * <p>The text form {@code 17} is a seed with every choice drawn. The form {@code 17 only a=3 b=40}
 * is the seed in which every choice but these has its simplest value.
 */
final class Choices {
    /** A choice that was made. */
    record Choice(String name, long value, long simplest) {
        boolean isSimplest() {
            return value == simplest;
        }
    }

    final long seed;
    private final Map<String, Long> given;
    private final boolean onlyGiven;
    private final Set<Ingredient> without;
    private final Map<String, Choice> made = new LinkedHashMap<>();

    private Choices(long seed, Map<String, Long> given, boolean onlyGiven, Set<Ingredient> out) {
        this.seed = seed;
        this.given = given;
        this.onlyGiven = onlyGiven;
        this.without = out;
    }

    /** All choices drawn, but none of the ingredients {@code without}. */
    static Choices drawn(long seed, Set<Ingredient> without) {
        return new Choices(seed, Map.of(), false, without);
    }

    /** The choices of {@code given}, and the simplest value of every other one. */
    static Choices only(long seed, Map<String, Long> given) {
        return new Choices(seed, given, true, Set.of());
    }

    /**
     * Reads the text form. A seed alone is drawn, but has none of the ingredients {@code without}.
     * Throws IllegalArgumentException where it is no such text.
     */
    static Choices parse(String text, Set<Ingredient> without) {
        String[] words = text.trim().split("\\s+");
        try {
            long seed = Long.parseLong(words[0]);
            if (words.length == 1) {
                return drawn(seed, without);
            }
            if (!words[1].equals("only")) {
                throw new NumberFormatException(words[1]);
            }
            Map<String, Long> given = new LinkedHashMap<>();
            for (int i = 2; i < words.length; i++) {
                String[] pair = words[i].split("=", 2);
                given.put(pair[0], Long.parseLong(pair[1]));
            }
            return only(seed, given);
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not of the form SEED or SEED only NAME=NUMBER …", e);
        }
    }

    /** Whether the world has this ingredient. */
    boolean has(Ingredient ingredient) {
        if (without.contains(ingredient)) {
            return false;
        }
        return choose(ingredient.id(), 0, () -> chance(ingredient) ? 1 : 0) != 0;
    }

    private boolean chance(Ingredient ingredient) {
        return draw(ingredient.id()).nextInt(100) < ingredient.percent;
    }

    /** A whole number from {@code low} to {@code high}; {@code low} is the simplest. */
    long range(String name, long low, long high) {
        return choose(name, low, () -> low + draw(name).nextLong(Math.max(1, high - low + 1)));
    }

    /** A number from 0 to {@code count - 1}; 0 is the simplest. */
    int index(String name, int count) {
        return (int) Math.min(count - 1, range(name, 0, count - 1));
    }

    /** One of the options; the first one is the simplest. */
    long oneOf(String name, long... options) {
        return choose(name, options[0], () -> options[draw(name).nextInt(options.length)]);
    }

    private interface Drawn {
        long value();
    }

    private long choose(String name, long simplest, Drawn drawn) {
        Choice before = made.get(name);
        if (before != null) {
            return before.value;
        }
        Long value = given.get(name);
        if (value == null) {
            value = onlyGiven ? Long.valueOf(simplest) : Long.valueOf(drawn.value());
        }
        made.put(name, new Choice(name, value, simplest));
        return value;
    }

    /** Random numbers of this name. They are no choices: they stay the same when a seed shrinks. */
    SplittableRandom draw(String name) {
        return new SplittableRandom(mix(seed * 0x9E3779B97F4A7C15L + name.hashCode()));
    }

    /** Mixes the bits of a number, as SplitMix64 does. */
    static long mix(long bits) {
        bits = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
        bits = (bits ^ (bits >>> 27)) * 0x94D049BB133111EBL;
        return bits ^ (bits >>> 31);
    }

    /** The choices that are not the simplest, in the order in which they were made. */
    List<Choice> beyondSimplest() {
        List<Choice> choices = new ArrayList<>();
        for (Choice choice : made.values()) {
            if (!choice.isSimplest()) {
                choices.add(choice);
            }
        }
        return choices;
    }

    /** The ingredients that the world has. */
    Set<Ingredient> ingredients() {
        Set<Ingredient> ingredients = EnumSet.noneOf(Ingredient.class);
        for (Ingredient ingredient : Ingredient.values()) {
            Choice choice = made.get(ingredient.id());
            if (choice != null && choice.value != 0) {
                ingredients.add(ingredient);
            }
        }
        return ingredients;
    }

    /** The text form that names every choice beyond the simplest. */
    String text() {
        StringBuilder text = new StringBuilder().append(seed).append(" only");
        for (Choice choice : beyondSimplest()) {
            text.append(' ').append(choice.name).append('=').append(choice.value);
        }
        return text.toString();
    }
}
