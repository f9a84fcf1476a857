package pitwall.features;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import java.io.IOException;

/**
 * How the metres since lap start tell where one lap ends and the next begins. Recordings have the
 * same rule ({@code pitwall.recordings.lap_rule}). Times are seconds of the session.
 *
 * <p>A lap ends where the distance falls in one step by more than half of the farthest one, back to
 * where the lap began. The line was passed between the two samples, at the speed of the last two
 * before it. A distance below zero is before the line: the lap begins where it rises through zero.
 *
 * <p>A lap in which the distance moved farther than a car can was not driven as a whole. A jump
 * ahead that is taken back was jitter over the line, and counts as not sent.
 */
final class DistanceRule {
    /** A session that begins from the line to here counts as begun on it. */
    private static final double START_M = 100;

    /** Only a car that was farther than this can end a lap. */
    private static final double SHORTEST_M = 50;

    /** How far a car moves at most between two samples: some metres, and these in a second. */
    private static final double SLACK_M = 10;

    private static final double FASTEST_MPS = 400;

    /** A jump is taken back where the distance returns so near to where it was. */
    private static final double JITTER_M = 25;

    private boolean fromStart;
    private boolean continuous;

    /** Whether the line at zero is still ahead. */
    private boolean beforeLine;

    /** Distance of the line, where the distance fell below zero; NaN elsewhere. */
    private double turnM;

    /** Distance at the beginning of the lap, and at the line where it began. */
    private double startM;

    private double lineM;
    private double farthestM;

    /** The last sample with a distance, and the one before it; NaN where the lap has none. */
    private double distance = Double.NaN;

    private double distanceS;
    private double distanceBefore = Double.NaN;
    private double distanceBeforeS;

    /** An open jump: the last sample before it, the first one behind it, and what held before. */
    private boolean jumping;

    private double originM;
    private double originS;
    private double targetM;
    private double farthestBeforeM;
    private boolean continuousBefore;

    /** The line that was passed last: when, and at which distance of the lap that ended. */
    private double crossingS;

    private double endM;

    /** Distance at that line in the lap that begins there. */
    private double nextStartM;

    /** The session begins at this distance. The sample is to be added. */
    void begin(double d) {
        fromStart = d >= 0 && d < START_M;
        begin(d, fromStart ? 0 : d, d);
        beforeLine = d < 0;
    }

    /** A lap begins at the line that was just passed. Its first sample is to be added. */
    void beginAtLine(double d) {
        fromStart = true;
        begin(nextStartM, nextStartM, d);
    }

    private void begin(double atM, double lineAtM, double d) {
        startM = atM;
        lineM = lineAtM;
        farthestM = d;
        continuous = true;
        beforeLine = false;
        turnM = Double.NaN;
        jumping = false;
        distance = Double.NaN;
    }

    /** The sample becomes the last one of the lap. */
    void add(double time, double d) {
        farthestM = Math.max(farthestM, d);
        distanceBefore = distance;
        distanceBeforeS = distanceS;
        distance = d;
        distanceS = time;
    }

    /**
     * Whether the line was passed before this sample. The sample is to be added, to the next lap
     * ({@link #beginAtLine}) where it was.
     */
    boolean passesLine(double time, double d) {
        double step = d - distance;
        double reach = SLACK_M + FASTEST_MPS * (time - distanceS);
        boolean fallsHome =
                step < -0.5 * farthestM && farthestM > SHORTEST_M && d <= startM + reach;
        if (beforeLine) {
            return passesZero(time, d, step, reach);
        } else if (step < -SLACK_M && takesBack(d)) {
            return false;
        } else if (fallsHome && d < 0) {
            beforeLine = true;
            turnM = distance + speed() * (time - distanceS) - d;
        } else if (fallsHome) {
            double speed = speed();
            crossingS = speed > 0 ? Math.min(time, Math.max(distanceS, time - d / speed)) : time;
            endM = distance + speed * (crossingS - distanceS);
            nextStartM = d - speed * (time - crossingS);
            return true;
        } else if (Math.abs(step) > reach) {
            breaks(d, step);
        }
        return false;
    }

    private boolean passesZero(double time, double d, double step, double reach) {
        boolean leaps = Math.abs(step) > reach;
        continuous &= !leaps;
        if (d < 0) {
            return false;
        }
        beforeLine = false;
        if (leaps) {
            breaks(d, step);
            return false;
        }
        // Rounding may lead past the sample.
        crossingS = Math.min(time, distanceS - distance / step * (time - distanceS));
        endM = Double.isNaN(turnM) ? 0 : turnM;
        nextStartM = 0;
        return true;
    }

    private boolean takesBack(double d) {
        if (!jumping
                || Math.abs(d - originM) > JITTER_M
                || Math.abs(distance - targetM) > JITTER_M) {
            return false;
        }
        jumping = false;
        farthestM = farthestBeforeM;
        continuous = continuousBefore;
        distance = originM;
        distanceS = originS;
        return true;
    }

    private void breaks(double d, double step) {
        if (step > 0 && !jumping) {
            jumping = true;
            originM = distance;
            originS = distanceS;
            farthestBeforeM = farthestM;
            continuousBefore = continuous;
        }
        if (step > 0) {
            targetM = d;
        }
        continuous = false;
    }

    /** Metres a second between the last two samples of the lap, 0 without two of them. */
    private double speed() {
        double speed = (distance - distanceBefore) / (distanceS - distanceBeforeS);
        return speed > 0 ? speed : 0;
    }

    /** Whether the lap was seen from its start. */
    boolean isFromStart() {
        return fromStart;
    }

    /** Whether the lap was driven without a jump. */
    boolean isContinuous() {
        return continuous;
    }

    /** Whether the distance tells where on this lap the car is. */
    boolean isPlaced() {
        return !jumping && !beforeLine;
    }

    /** When the line was passed last. */
    double crossingS() {
        return crossingS;
    }

    /** Metres driven in the lap that ended at the line that was just passed. */
    double drivenM() {
        return endM - startM;
    }

    /** Length of the circuit, as that lap tells it. */
    double circuitM() {
        return endM - lineM;
    }

    double farthestM() {
        return farthestM;
    }

    /** Distance of the last sample, NaN before the first one of the lap. */
    double distance() {
        return distance;
    }

    double distanceS() {
        return distanceS;
    }

    void write(DataOutputView out) throws IOException {
        out.writeByte(
                (fromStart ? 1 : 0)
                        | (continuous ? 2 : 0)
                        | (beforeLine ? 4 : 0)
                        | (jumping ? 8 : 0)
                        | (continuousBefore ? 16 : 0));
        double[] numbers = {
            turnM, startM, lineM, farthestM, distance, distanceS, distanceBefore, distanceBeforeS
        };
        for (double number : numbers) {
            out.writeDouble(number);
        }
        for (double number : new double[] {originM, originS, targetM, farthestBeforeM}) {
            out.writeDouble(number);
        }
    }

    void read(DataInputView in) throws IOException {
        int flags = in.readByte();
        fromStart = (flags & 1) != 0;
        continuous = (flags & 2) != 0;
        beforeLine = (flags & 4) != 0;
        jumping = (flags & 8) != 0;
        continuousBefore = (flags & 16) != 0;
        turnM = in.readDouble();
        startM = in.readDouble();
        lineM = in.readDouble();
        farthestM = in.readDouble();
        distance = in.readDouble();
        distanceS = in.readDouble();
        distanceBefore = in.readDouble();
        distanceBeforeS = in.readDouble();
        originM = in.readDouble();
        originS = in.readDouble();
        targetM = in.readDouble();
        farthestBeforeM = in.readDouble();
    }
}
