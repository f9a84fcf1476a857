package pitwall.features;

import java.util.Arrays;

/** How many of a window's samples lie above and below thresholds. */
final class ThresholdCounts {
    /** The thresholds, rising. */
    private final double[] above;

    private final double[] below;
    private final int[] aboveCounts;
    private final int[] belowCounts;

    ThresholdCounts(double[] above, double[] below) {
        this.above = above;
        this.below = below;
        aboveCounts = new int[above.length];
        belowCounts = new int[below.length];
    }

    /** Counts a sample that comes ({@code by} 1) or leaves (-1). */
    void count(double value, int by) {
        for (int i = 0; i < above.length; i++) {
            if (value > above[i]) {
                aboveCounts[i] += by;
            }
        }
        for (int i = 0; i < below.length; i++) {
            if (value < below[i]) {
                belowCounts[i] += by;
            }
        }
    }

    /** Number of samples above one of the thresholds. */
    int above(double threshold) {
        return aboveCounts[Arrays.binarySearch(above, threshold)];
    }

    /** Number of samples below one of the thresholds. */
    int below(double threshold) {
        return belowCounts[Arrays.binarySearch(below, threshold)];
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return 64 + 4L * (above.length + below.length);
    }
}
