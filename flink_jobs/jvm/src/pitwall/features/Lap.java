package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.plan.Plan;

import java.io.IOException;

/**
 * The lap that a car is on, and the last and the best lap of the session. Times are seconds of the
 * session, distances metres since lap start; NaN stands for unknown.
 *
 * <p>Where a lap ends, {@link DistanceRule} says. Only a lap that was driven whole has a time: seen
 * from its start, without a jump, and as long as the circuit ({@link LapLengths}).
 */
final class Lap {
    final SectorTimes sectors;
    private final LapTrace trace = new LapTrace();
    private final DistanceRule rule = new DistanceRule();
    private final LapLengths lengths = new LapLengths();
    private long number;
    private double startS;
    private double lastTime = Double.NaN;
    private double bestTime = Double.NaN;

    /** Farthest distance of the last whole lap. */
    private double length = Double.NaN;

    /** Length of the circuit by the last whole lap, and by the best one. */
    private double lastM = Double.NaN;

    private double bestM = Double.NaN;

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
        return rule.isFromStart();
    }

    /**
     * Whether the distance tells where on this lap the car is: not before the line, and not after a
     * jump.
     */
    boolean isPlaced() {
        return rule.isPlaced();
    }

    /** Duration of the lap before; NaN where it was not driven whole. */
    double lastTime() {
        return lastTime;
    }

    /** Duration of the session's best lap. */
    double bestTime() {
        return bestTime;
    }

    /** Length of the last lap that was driven whole. */
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
            rule.begin(d);
            begin(time);
            begins = true;
        } else if (rule.passesLine(time, d)) {
            finish(rule.crossingS());
            rule.beginAtLine(d);
            begin(rule.crossingS());
            begins = true;
        }
        if (rule.isPlaced()) {
            drive(time, d);
        }
        rule.add(time, d);
        return begins;
    }

    private void drive(double time, double d) {
        double fromM = rule.distance();
        double fromS = rule.distanceS();
        if (rule.isFromStart()) {
            boolean first = Double.isNaN(fromM);
            trace.add(first ? 0 : fromM, first ? startS : fromS, d, time, startS);
        }
        if (!Double.isNaN(length)) {
            sectors.advance(this, fromM, fromS, d, time);
        }
    }

    private void begin(double time) {
        number++;
        startS = time;
        trace.begin();
        sectors.begin(time);
    }

    private void finish(double crossing) {
        boolean whole = false;
        if (rule.isFromStart() && rule.isContinuous()) {
            lengths.add(rule.circuitM());
            whole = lengths.isCircuit(rule.drivenM());
            forgetOtherCircuits();
        }
        sectors.finish(crossing, whole);
        lastTime = whole ? crossing - startS : Double.NaN;
        if (!whole) {
            return;
        }
        length = rule.farthestM();
        lastM = rule.circuitM();
        if (!(lastTime >= bestTime)) {
            bestTime = lastTime;
            bestM = lastM;
            trace.keepAsBest();
        }
    }

    /** What was a whole lap by the laps before it may be a cut one by those that followed. */
    private void forgetOtherCircuits() {
        if (!Double.isNaN(bestM) && !lengths.isCircuit(bestM)) {
            bestTime = Double.NaN;
            bestM = Double.NaN;
            trace.forgetBest();
            sectors.forgetBest();
        }
        if (!Double.isNaN(lastM) && !lengths.isCircuit(lastM)) {
            length = Double.NaN;
            lastM = Double.NaN;
        }
    }

    /** Share of the lap that was driven, by the length of the last whole lap. */
    double fraction() {
        return isKnown() && isPlaced() ? Math.min(1, rule.distance() / length) : Double.NaN;
    }

    /** Seconds behind (above zero) or ahead of the session's best lap at this distance. */
    double deltaToBest(double time) {
        return deltaTo(trace.best(), time);
    }

    /** Seconds behind (above zero) or ahead of a lap, given its seconds at each grid line. */
    double deltaTo(double[] lap, double time) {
        boolean comparable = rule.isFromStart() && rule.isContinuous() && rule.isPlaced();
        return comparable ? LapTrace.delta(lap, rule.distance(), time - startS) : Double.NaN;
    }

    /** Estimated bytes on the heap. */
    long bytes() {
        return 330 + lengths.bytes() + sectors.bytes() + trace.bytes();
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(number);
        for (double value : new double[] {startS, lastTime, bestTime, length, lastM, bestM}) {
            out.writeDouble(value);
        }
        rule.write(out);
        lengths.write(out);
        sectors.write(out);
        trace.write(out);
    }

    void read(DataInputView in) throws IOException {
        number = in.readLong();
        startS = in.readDouble();
        lastTime = in.readDouble();
        bestTime = in.readDouble();
        length = in.readDouble();
        lastM = in.readDouble();
        bestM = in.readDouble();
        rule.read(in);
        lengths.read(in);
        sectors.read(in);
        trace.read(in);
    }
}
