package pitwall;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;

/**
 * The lap a car is on: number, times, sectors, and the best lap of the session to compare with.
 *
 * <p>A lap ends where the distance falls back by more than half of what was driven; the crossing is interpolated.
 */
final class Lap {
    /** The times of a lap to compare with are kept each so many metres, and interpolated between. */
    static final double GRID_M = 10;

    private static final int MAX_GRID = 10_000;
    private static final double FROM_START_M = 100;
    private static final double SHORTEST_M = 200;

    private final int sectors;
    long number;
    double startS;
    boolean fromStart;
    double lastTime = Double.NaN;
    double bestTime = Double.NaN;
    double length = Double.NaN;
    int sector;
    double sectorStartS;
    final double[] lastSectors;
    final double[] bestSectors;
    private double farthest;
    private double distance = Double.NaN;
    private double distanceS;
    private double distanceBefore = Double.NaN;
    private double distanceBeforeS;
    private final double[] splits;
    private double[] trace = new double[64];
    private int traced;
    private double[] best = new double[0];

    Lap(int sectors) {
        this.sectors = sectors;
        lastSectors = nan(sectors);
        bestSectors = nan(sectors);
        splits = nan(sectors);
    }

    private static double[] nan(int n) {
        double[] values = new double[n];
        Arrays.fill(values, Double.NaN);
        return values;
    }

    /** Advance to {@code time} (s) at distance {@code d} (m, NaN where unknown). Gives true where a new lap begins. */
    boolean advance(double time, double d) {
        if (Double.isNaN(d)) {
            return false;
        }
        boolean begins = false;
        if (number == 0) {
            begin(time, d < FROM_START_M, d);
            begins = true;
        } else if (d < distance - 0.5 * farthest && farthest > SHORTEST_M) {
            double speed = (distance - distanceBefore) / (distanceS - distanceBeforeS);
            double crossing = speed > 0 ? Math.min(time, Math.max(distanceS, time - d / speed)) : time;
            if (fromStart) {
                finish(crossing);
            }
            begin(crossing, true, d);
            begins = true;
        }
        trace(time, d);
        farthest = Math.max(farthest, d);
        split(time, d);
        distanceBefore = distance;
        distanceBeforeS = distanceS;
        distance = d;
        distanceS = time;
        return begins;
    }

    private void begin(double time, boolean whole, double d) {
        number++;
        startS = time;
        fromStart = whole;
        farthest = d;
        traced = 0;
        distance = Double.NaN;
        sector = 0;
        sectorStartS = time;
        Arrays.fill(splits, Double.NaN);
    }

    private void finish(double crossing) {
        lastTime = crossing - startS;
        length = farthest;
        if (sector == sectors) {
            splits[sectors - 1] = crossing - sectorStartS;
        }
        for (int i = 0; i < sectors; i++) {
            lastSectors[i] = splits[i];
            if (!Double.isNaN(splits[i]) && !(splits[i] >= bestSectors[i])) {
                bestSectors[i] = splits[i];
            }
        }
        if (!(lastTime >= bestTime)) {
            bestTime = lastTime;
            best = Arrays.copyOf(trace, traced);
        }
    }

    /** Time since lap start at each grid line passed since the sample before. */
    private void trace(double time, double d) {
        if (!fromStart || traced >= MAX_GRID) {
            return;
        }
        double before = Double.isNaN(distance) ? 0 : distance;
        double beforeS = Double.isNaN(distance) ? startS : distanceS;
        while (traced < MAX_GRID && traced * GRID_M <= d) {
            double line = traced * GRID_M;
            double share = d > before ? Math.max(0, (line - before) / (d - before)) : 1;
            if (traced == trace.length) {
                trace = Arrays.copyOf(trace, trace.length * 2);
            }
            trace[traced++] = beforeS + share * (time - beforeS) - startS;
        }
    }

    private void split(double time, double d) {
        if (Double.isNaN(length)) {
            return;
        }
        int now = Math.min(sectors, 1 + (int) (d / length * sectors));
        if (sector == 0) {
            sector = now;
            sectorStartS = fromStart && now == 1 ? startS : Double.NaN;
        } else if (now > sector) {
            double line = length * (now - 1) / sectors;
            double crossing = d > distance ? distanceS + (line - distance) / (d - distance) * (time - distanceS) : time;
            if (now == sector + 1) {
                splits[sector - 1] = crossing - sectorStartS;
            }
            sector = now;
            sectorStartS = crossing;
        }
    }

    /** Share of the lap driven, of the length of the last whole lap. */
    double fraction() {
        return number == 0 ? Double.NaN : Math.min(1, distance / length);
    }

    /** Seconds behind (above zero) or ahead of the session's best lap at this distance. */
    double deltaToBest(double time) {
        return deltaTo(best, time);
    }

    /** Seconds behind (above zero) or ahead of a lap given by its times since lap start on the grid. */
    double deltaTo(double[] lap, double time) {
        int line = (int) (distance / GRID_M);
        if (!fromStart || !(distance >= 0) || line + 1 >= lap.length) {
            return Double.NaN;
        }
        double share = distance / GRID_M - line;
        return time - startS - (lap[line] + share * (lap[line + 1] - lap[line]));
    }

    /** The same lap, for so many sectors; splits of another number of sectors are forgotten. */
    Lap as(int sectors) throws IOException {
        if (sectors == this.sectors) {
            return this;
        }
        DataOutputSerializer bytes = new DataOutputSerializer(1 << 12);
        write(bytes);
        Lap other = new Lap(sectors);
        other.read(new DataInputDeserializer(bytes.getSharedBuffer(), 0, bytes.length()));
        return other;
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(number);
        out.writeBoolean(fromStart);
        out.writeInt(sector);
        Bytes.write(out, new double[] {
            startS, lastTime, bestTime, length, sectorStartS, farthest, distance, distanceS, distanceBefore, distanceBeforeS
        });
        Bytes.write(out, lastSectors);
        Bytes.write(out, bestSectors);
        Bytes.write(out, splits);
        Bytes.write(out, Arrays.copyOf(trace, traced));
        Bytes.write(out, best);
    }

    void read(DataInputView in) throws IOException {
        number = in.readLong();
        fromStart = in.readBoolean();
        sector = in.readInt();
        double[] v = Bytes.doubles(in);
        startS = v[0];
        lastTime = v[1];
        bestTime = v[2];
        length = v[3];
        sectorStartS = v[4];
        farthest = v[5];
        distance = v[6];
        distanceS = v[7];
        distanceBefore = v[8];
        distanceBeforeS = v[9];
        double[][] bySector = {Bytes.doubles(in), Bytes.doubles(in), Bytes.doubles(in)};
        trace = Bytes.doubles(in);
        traced = trace.length;
        trace = Arrays.copyOf(trace, Math.max(64, traced));
        best = Bytes.doubles(in);
        if (bySector[0].length == sectors) {
            System.arraycopy(bySector[0], 0, lastSectors, 0, sectors);
            System.arraycopy(bySector[1], 0, bestSectors, 0, sectors);
            System.arraycopy(bySector[2], 0, splits, 0, sectors);
        } else {
            sector = 0;
        }
    }
}
