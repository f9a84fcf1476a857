package pitwall.plan;

import java.io.Serializable;

/**
 * One feature of a view.
 *
 * @param name the view's column
 * @param kind what is computed
 * @param channel index of its channel in the plan, -1 for a feature without one
 * @param windowUs length of its window in microseconds of session time, 0 for none
 * @param argument what the kind takes: a threshold in the channel's unit or the number of a sector
 * @param reference reference lap: seconds since lap start every {@link Plan#GRID_M} metres, or null
 */
public record Feature(
        String name,
        FeatureKind kind,
        int channel,
        long windowUs,
        double argument,
        double[] reference)
        implements Serializable {}
