package pitwall.plan;

import java.io.Serializable;
import java.util.List;

/**
 * A maths channel: a formula that is computed at each tick.
 *
 * @param key its id with a digest of what it computes: state under this key goes on
 * @param reads indices in {@link Plan#sources} of the channels that it names
 * @param steps what it computes, each step of those before it; the last one is its value
 */
public record Formula(String key, int[] reads, List<FormulaStep> steps) implements Serializable {}
