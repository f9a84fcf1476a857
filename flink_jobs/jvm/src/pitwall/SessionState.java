package pitwall;

import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** All that is kept of one session: the clock of each partition, ticks in waiting, windows, and the lap. */
final class SessionState {
    /** A tick in waiting. */
    static final class Tick {
        double[] values;
        long recordMs;
    }

    /** How far one partition has come, and when (wall clock) it was last heard. */
    static final class Clock {
        long timeUs;
        long heardMs;
    }

    final Plan plan;
    final Map<String, Clock> clocks = new HashMap<>();
    final TreeMap<Long, Tick> waiting = new TreeMap<>();
    long startUs;
    long emittedUs = Long.MIN_VALUE;
    long timerMs;
    private final Samples[] samples;
    private final Map<String, Window> windows = new LinkedHashMap<>();
    private final Window[] windowOf;
    private final long[] keepUs;
    private final double[] lapSum;
    private final long[] lapCount;
    private final double[] lapIntegral;
    private long lap;
    private double lapStartS;
    private boolean lapFromStart;
    private double lapMax;
    private double distance = Double.NaN;
    private double distanceBefore = Double.NaN;
    private long distanceUs;
    private long distanceBeforeUs;
    private double lastLap = Double.NaN;
    private double bestLap = Double.NaN;

    SessionState(Plan plan) {
        this.plan = plan;
        int channels = plan.channels.size();
        samples = new Samples[channels];
        keepUs = new long[channels];
        lapSum = new double[channels];
        lapCount = new long[channels];
        lapIntegral = new double[channels];
        for (int i = 0; i < channels; i++) {
            samples[i] = new Samples();
        }
        windowOf = new Window[plan.features.size()];
        for (int i = 0; i < windowOf.length; i++) {
            Plan.Feature f = plan.features.get(i);
            if (f.channel() < 0) {
                continue;
            }
            keepUs[f.channel()] = Math.max(keepUs[f.channel()], f.windowUs());
            if (f.kind().startsWith("rolling_") || f.kind().startsWith("share_")) {
                windowOf[i] = windows.computeIfAbsent(
                        f.channel() + "/" + f.windowUs(), k -> new Window(samples[f.channel()], f.windowUs()));
            }
        }
    }

    /** Advance to the next tick and give its features, null where one has no value yet. */
    Double[] next(long timeUs, double[] values) {
        long previousUs = emittedUs;
        emittedUs = timeUs;
        advanceLap(timeUs, values[plan.distance]);
        double dt = previousUs == Long.MIN_VALUE ? 0 : (timeUs - previousUs) * 1e-6;
        for (int c = 0; c < values.length; c++) {
            if (!Double.isNaN(values[c])) {
                samples[c].add(timeUs, values[c]);
                lapSum[c] += values[c];
                lapCount[c]++;
                lapIntegral[c] += values[c] * dt;
            }
        }
        for (Window window : windows.values()) {
            window.advance(timeUs);
        }
        Double[] out = new Double[plan.features.size()];
        for (int i = 0; i < out.length; i++) {
            double value = compute(plan.features.get(i), windowOf[i], timeUs, values);
            out[i] = Double.isFinite(value) ? (Double) (value == 0.0 ? 0.0 : value) : null;
        }
        for (int c = 0; c < values.length; c++) {
            samples[c].forget(timeUs - keepUs[c]);
        }
        return out;
    }

    private double compute(Plan.Feature f, Window w, long timeUs, double[] values) {
        int c = f.channel();
        if (w != null && w.count() == 0) {
            return f.kind().equals("rolling_count") ? 0 : Double.NaN;
        }
        switch (f.kind()) {
            case "last":
                return values[c];
            case "rolling_mean":
                return w.mean();
            case "rolling_std":
                return Math.sqrt(w.variance());
            case "rolling_min":
                return w.min();
            case "rolling_max":
                return w.max();
            case "rolling_range":
                return w.max() - w.min();
            case "rolling_rms":
                return Math.sqrt(w.variance() + w.mean() * w.mean());
            case "rolling_count":
                return w.count();
            case "rolling_slope":
                return w.slope();
            case "share_above":
                return w.share(f.threshold(), true);
            case "share_below":
                return w.share(f.threshold(), false);
            case "lag":
            case "diff": {
                long at = samples[c].at(timeUs - f.windowUs());
                if (at < 0) {
                    return Double.NaN;
                }
                return f.kind().equals("lag") ? samples[c].value(at) : values[c] - samples[c].value(at);
            }
            case "lap_mean":
                return lapCount[c] == 0 ? Double.NaN : lapSum[c] / lapCount[c];
            case "lap_integral":
                return lapCount[c] == 0 ? Double.NaN : lapIntegral[c];
            case "session_time":
                return timeUs * 1e-6;
            case "lap_number":
                return lap == 0 ? Double.NaN : lap;
            case "lap_time":
                return lap == 0 ? Double.NaN : timeUs * 1e-6 - lapStartS;
            case "lap_from_start":
                return lap == 0 ? Double.NaN : lapFromStart ? 1 : 0;
            case "last_lap_time":
                return lastLap;
            case "best_lap_time":
                return bestLap;
            default:
                throw new IllegalStateException("unknown feature kind " + f.kind());
        }
    }

    /** A lap ends where the distance falls back by more than half of the lap's; the crossing is interpolated. */
    private void advanceLap(long timeUs, double d) {
        if (Double.isNaN(d)) {
            return;
        }
        double time = timeUs * 1e-6;
        if (lap == 0) {
            lap = 1;
            lapStartS = time;
            lapFromStart = d < 100;
            lapMax = d;
        } else if (d < distance - 0.5 * lapMax && lapMax > 200) {
            double speed = (distance - distanceBefore) / ((distanceUs - distanceBeforeUs) * 1e-6);
            double crossing = speed > 0 ? Math.min(time, Math.max(distanceUs * 1e-6, time - d / speed)) : time;
            if (lapFromStart) {
                lastLap = crossing - lapStartS;
                bestLap = Double.isNaN(bestLap) ? lastLap : Math.min(bestLap, lastLap);
            }
            lap++;
            lapStartS = crossing;
            lapFromStart = true;
            lapMax = d;
            java.util.Arrays.fill(lapSum, 0);
            java.util.Arrays.fill(lapCount, 0);
            java.util.Arrays.fill(lapIntegral, 0);
        }
        lapMax = Math.max(lapMax, d);
        distanceBefore = distance;
        distanceBeforeUs = distanceUs;
        distance = d;
        distanceUs = timeUs;
    }

    void write(DataOutputView out) throws IOException {
        out.writeInt(plan.json.hashCode());
        out.writeInt(clocks.size());
        for (Map.Entry<String, Clock> entry : clocks.entrySet()) {
            out.writeUTF(entry.getKey());
            out.writeLong(entry.getValue().timeUs);
            out.writeLong(entry.getValue().heardMs);
        }
        out.writeInt(plan.channels.size());
        out.writeInt(waiting.size());
        for (Map.Entry<Long, Tick> entry : waiting.entrySet()) {
            out.writeLong(entry.getKey());
            out.writeLong(entry.getValue().recordMs);
            for (double value : entry.getValue().values) {
                out.writeDouble(value);
            }
        }
        out.writeLong(startUs);
        out.writeLong(emittedUs);
        out.writeLong(timerMs);
        out.writeLong(lap);
        for (double value : new double[] {lapStartS, lapMax, distance, distanceBefore, lastLap, bestLap}) {
            out.writeDouble(value);
        }
        out.writeBoolean(lapFromStart);
        out.writeLong(distanceUs);
        out.writeLong(distanceBeforeUs);
        for (int c = 0; c < samples.length; c++) {
            samples[c].write(out);
            out.writeDouble(lapSum[c]);
            out.writeLong(lapCount[c]);
            out.writeDouble(lapIntegral[c]);
        }
        for (Window window : windows.values()) {
            window.write(out);
        }
    }

    static SessionState read(Plan plan, DataInputView in) throws IOException {
        SessionState s = new SessionState(plan);
        if (in.readInt() != plan.json.hashCode()) {
            throw new IOException("the state was written for other feature definitions; start the job without it");
        }
        for (int i = in.readInt(); i > 0; i--) {
            String name = in.readUTF();
            Clock clock = new Clock();
            clock.timeUs = in.readLong();
            clock.heardMs = in.readLong();
            s.clocks.put(name, clock);
        }
        int channels = in.readInt();
        for (int i = in.readInt(); i > 0; i--) {
            Tick tick = new Tick();
            long timeUs = in.readLong();
            tick.recordMs = in.readLong();
            tick.values = new double[channels];
            for (int c = 0; c < channels; c++) {
                tick.values[c] = in.readDouble();
            }
            s.waiting.put(timeUs, tick);
        }
        s.startUs = in.readLong();
        s.emittedUs = in.readLong();
        s.timerMs = in.readLong();
        s.lap = in.readLong();
        s.lapStartS = in.readDouble();
        s.lapMax = in.readDouble();
        s.distance = in.readDouble();
        s.distanceBefore = in.readDouble();
        s.lastLap = in.readDouble();
        s.bestLap = in.readDouble();
        s.lapFromStart = in.readBoolean();
        s.distanceUs = in.readLong();
        s.distanceBeforeUs = in.readLong();
        for (int c = 0; c < channels; c++) {
            s.samples[c].read(in);
            s.lapSum[c] = in.readDouble();
            s.lapCount[c] = in.readLong();
            s.lapIntegral[c] = in.readDouble();
        }
        for (Window window : s.windows.values()) {
            window.read(in);
        }
        return s;
    }
}
