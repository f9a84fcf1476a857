package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.plan.Plan;

import java.io.IOException;

/**
 * The lap that a car is on, and the last and the best lap of the session. Times are seconds of the
 * session, distances metres since lap start; NaN stands for unknown.
 *
 * <p>A lap ends where the distance falls back by more than half of what was driven. The time of the
 * crossing is interpolated.
 */
final class Lap {
    /** A session that begins this near to the line counts as begun on it. */
    private static final double FROM_START_M = 100;

    private static final double SHORTEST_M = 200;

    final SectorTimes sectors;
    private final LapTrace trace = new LapTrace();
    private long number;
    private double startS;
    private boolean fromStart;
    private double lastTime = Double.NaN;
    private double bestTime = Double.NaN;
    private double length = Double.NaN;
    private double farthest;

    /** The last sample with a distance, and the one before it. */
    private double distance = Double.NaN;

    private double distanceS;
    private double distanceBefore = Double.NaN;
    private double distanceBeforeS;

    Lap(int sectors) {
        this.sectors = new SectorTimes(sectors);
    }

    /** Whether any distance was seen: before it there is no lap. */
    boolean isKnown() {
        return number > 0;
    }

    /** Laps begun in the session, the current one included. */
    long number() {
        return number;
    }

    double startS() {
        return startS;
    }

    /** Whether the lap was seen from its start. */
    boolean isFromStart() {
        return fromStart;
    }

    /** Duration of the last lap that was seen whole. */
    double lastTime() {
        return lastTime;
    }

    /** Duration of the session's best lap. */
    double bestTime() {
        return bestTime;
    }

    /** Length of the last lap that was seen whole. */
    double length() {
        return length;
    }

    /**
     * Advances to a time and a distance. True where a new lap begins. A distance that is no number,
     * or that no lap is long enough for, changes nothing.
     */
    boolean advance(double time, double d) {
        if (!(Math.abs(d) <= Plan.LONGEST_LAP_M)) {
            return false;
        }
        boolean begins = false;
        if (number == 0) {
            begin(time, d < FROM_START_M, d);
            begins = true;
        } else if (d < distance - 0.5 * farthest && farthest > SHORTEST_M) {
            double speed = (distance - distanceBefore) / (distanceS - distanceBeforeS);
            double crossing =
                    speed > 0 ? Math.min(time, Math.max(distanceS, time - d / speed)) : time;
            if (fromStart) {
                finish(crossing);
            }
            begin(crossing, true, d);
            begins = true;
        }
        if (fromStart) {
            boolean first = Double.isNaN(distance);
            trace.add(first ? 0 : distance, first ? startS : distanceS, d, time, startS);
        }
        farthest = Math.max(farthest, d);
        if (!Double.isNaN(length)) {
            sectors.advance(this, distance, distanceS, d, time);
        }
        distanceBefore = distance;
        distanceBeforeS = distanceS;
        distance = d;
        distanceS = time;
        return begins;
    }

    private void begin(double time, boolean seenFromStart, double d) {
        number++;
        startS = time;
        fromStart = seenFromStart;
        farthest = d;
        distance = Double.NaN;
        trace.begin();
        sectors.begin(time);
    }

    private void finish(double crossing) {
        lastTime = crossing - startS;
        length = farthest;
        sectors.finish(crossing);
        if (!(lastTime >= bestTime)) {
            bestTime = lastTime;
            trace.keepAsBest();
        }
    }

    /** Share of the lap that was driven, by the length of the last whole lap. */
    double fraction() {
        return number == 0 ? Double.NaN : Math.min(1, distance / length);
    }

    /** Seconds behind (above zero) or ahead of the session's best lap at this distance. */
    double deltaToBest(double time) {
        return deltaTo(trace.best(), time);
    }

    /** Seconds behind (above zero) or ahead of a lap, given its seconds at each grid line. */
    double deltaTo(double[] lap, double time) {
        return fromStart ? LapTrace.delta(lap, distance, time - startS) : Double.NaN;
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return 150 + sectors.bytes() + trace.bytes();
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(number);
        out.writeBoolean(fromStart);
        out.writeDouble(startS);
        out.writeDouble(lastTime);
        out.writeDouble(bestTime);
        out.writeDouble(length);
        out.writeDouble(farthest);
        out.writeDouble(distance);
        out.writeDouble(distanceS);
        out.writeDouble(distanceBefore);
        out.writeDouble(distanceBeforeS);
        sectors.write(out);
        trace.write(out);
    }

    void read(DataInputView in) throws IOException {
        number = in.readLong();
        fromStart = in.readBoolean();
        startS = in.readDouble();
        lastTime = in.readDouble();
        bestTime = in.readDouble();
        length = in.readDouble();
        farthest = in.readDouble();
        distance = in.readDouble();
        distanceS = in.readDouble();
        distanceBefore = in.readDouble();
        distanceBeforeS = in.readDouble();
        sectors.read(in);
        trace.read(in);
    }
}
