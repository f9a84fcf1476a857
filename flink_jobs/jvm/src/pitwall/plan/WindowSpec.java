package pitwall.plan;

import java.io.Serializable;
import java.util.Set;

/**
 * A window over a series, and what the features that share it need to be kept.
 *
 * @param name tells it apart from the plan's other windows, also in a state of another plan
 * @param series index in {@link LookBackSpec#series}
 * @param reach index in {@link LookBackSpec#lengthsUs} of the window's length
 * @param parts what is kept up to date
 * @param above thresholds that samples are counted above of, rising
 * @param below thresholds that samples are counted below of, rising
 */
public record WindowSpec(
        String name, int series, int reach, Set<WindowPart> parts, double[] above, double[] below)
        implements Serializable {}
