package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;

import java.io.IOException;
import java.util.Arrays;

/**
 * The sectors of a lap, all of the same length: where the car is, and the times of the current lap,
 * the last lap and the best ones. Times are in seconds, NaN where unknown.
 */
final class SectorTimes {
    private final int sectors;
    private final double[] current;
    private final double[] last;
    private final double[] best;
    private int sector;
    private double startS;

    SectorTimes(int sectors) {
        this.sectors = sectors;
        current = unknown(sectors);
        last = unknown(sectors);
        best = unknown(sectors);
    }

    private static double[] unknown(int count) {
        double[] values = new double[count];
        Arrays.fill(values, Double.NaN);
        return values;
    }

    /** The sector that the car is in, from 1 on; 0 before the length of the lap is known. */
    int sector() {
        return sector;
    }

    /** When the car entered this sector, seconds of the session. */
    double startS() {
        return startS;
    }

    /** Time of a sector, counted from 0, in the last whole lap. */
    double last(int index) {
        return last[index];
    }

    /** Best time of a sector, counted from 0, in the session. */
    double best(int index) {
        return best[index];
    }

    void begin(double lapStartS) {
        sector = 0;
        startS = lapStartS;
        Arrays.fill(current, Double.NaN);
    }

    /** The lap ended at this time. One that was not driven whole has no sector times. */
    void finish(double crossingS, boolean whole) {
        if (!whole) {
            Arrays.fill(last, Double.NaN);
            return;
        }
        if (sector == sectors) {
            current[sectors - 1] = crossingS - startS;
        }
        for (int i = 0; i < sectors; i++) {
            last[i] = current[i];
            if (!Double.isNaN(current[i]) && !(current[i] >= best[i])) {
                best[i] = current[i];
            }
        }
    }

    /** No time is the best one of its sector. */
    void forgetBest() {
        Arrays.fill(best, Double.NaN);
    }

    /** The car has reached a place on a lap of known length, having been at another one before. */
    void advance(Lap lap, double fromM, double fromS, double toM, double toS) {
        int place = 1 + (int) (toM / lap.length() * sectors);
        int now = Math.max(1, Math.min(sectors, place));
        if (sector == 0) {
            sector = now;
            // A car that is a whole sector before the line has yet to enter the first one.
            startS = lap.isFromStart() && place == 1 ? lap.startS() : Double.NaN;
        } else if (now > sector) {
            double line = lap.length() * (now - 1) / sectors;
            double crossing =
                    toM > fromM ? fromS + (line - fromM) / (toM - fromM) * (toS - fromS) : toS;
            if (now == sector + 1) {
                current[sector - 1] = crossing - startS;
            }
            sector = now;
            startS = crossing;
        }
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return 80 + 24L * sectors;
    }

    void write(DataOutputView out) throws IOException {
        out.writeInt(sector);
        out.writeDouble(startS);
        StateBytes.writeDoubles(out, last);
        StateBytes.writeDoubles(out, best);
        StateBytes.writeDoubles(out, current);
    }

    /** Takes over the state. Times of another number of sectors are forgotten. */
    void read(DataInputView in) throws IOException {
        sector = in.readInt();
        startS = in.readDouble();
        for (double[] times : new double[][] {last, best, current}) {
            double[] kept = StateBytes.readDoubles(in);
            if (kept.length == sectors) {
                System.arraycopy(kept, 0, times, 0, sectors);
            } else {
                sector = 0;
            }
        }
    }
}
