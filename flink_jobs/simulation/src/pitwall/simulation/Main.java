package pitwall.simulation;

import java.nio.file.Path;
import java.util.EnumSet;

public final class Main {
    public static void main(String[] arguments) throws Exception {
        Plans plans = Plans.read(Path.of(arguments[0]));
        EnumSet<Ingredient> without = EnumSet.noneOf(Ingredient.class);
        for (int i = 3; i < arguments.length && !arguments[3].equals("all"); i++) {
            without.add(Ingredient.of(arguments[i]));
        }
        if (arguments.length > 3 && arguments[3].equals("all")) without = EnumSet.allOf(Ingredient.class);
        long from = Long.parseLong(arguments[1]);
        long count = Long.parseLong(arguments[2]);
        long begun = System.nanoTime();
        long active = 0; long rows = 0; int failed = 0;
        for (long seed = from; seed < from + count; seed++) {
            long t0 = System.nanoTime();
            Simulation.Verdict v = Simulation.run(Choices.drawn(seed, without), plans);
            active += v.activeMs(); rows += v.rows();
            if (v.broken() != null) {
                failed++;
                System.out.println(seed + " " + (System.nanoTime() - t0) / 1000000 + " ms " + v.breaches().get(0) + " " + v.breaches().size()+ " " + v.choices().ingredients());
            }
        }
        System.out.printf("%d seeds, %d failed, %.1f h, %d rows, %.1f s%n", count, failed, active / 3.6e6, rows, (System.nanoTime() - begun) / 1e9);
    }
}
