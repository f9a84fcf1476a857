package pitwall.plan;

import java.io.Serializable;

/**
 * A series of samples that features of a plan look back on.
 *
 * @param name tells it apart from the plan's other series, also in a state of another plan
 * @param kind what its numbers are
 * @param channel index of its channel in the plan, -1 for a series of the session
 * @param reach index in {@link LookBackSpec#lengthsUs} of how far back a feature looks on it
 */
public record SeriesSpec(String name, SeriesKind kind, int channel, int reach)
        implements Serializable {}
