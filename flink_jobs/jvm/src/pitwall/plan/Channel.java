package pitwall.plan;

import java.io.Serializable;
import java.util.List;
import java.util.Map;

/**
 * A channel that features are computed from.
 *
 * @param id its id on the wire
 * @param aliases ids of channels that stand in for it where it has no value
 * @param factors for each known unit, its own one too, the factor to the channel's canonical unit
 * @param low lower end of the expected range, in the canonical unit
 * @param high upper end of the expected range, in the canonical unit
 */
public record Channel(
        String id, List<String> aliases, Map<String, Double> factors, double low, double high)
        implements Serializable {}
