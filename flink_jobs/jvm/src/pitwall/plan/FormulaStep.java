package pitwall.plan;

import java.io.Serializable;

/**
 * One step of a formula.
 *
 * @param name what it computes, as in {@code pitwall/features/maths/steps.py}
 * @param places the steps that it takes, which come before it; for a channel, its index in {@link
 *     Plan#sources}
 * @param number the number that it is, 0 for any other step
 */
public record FormulaStep(String name, int[] places, double number) implements Serializable {}
