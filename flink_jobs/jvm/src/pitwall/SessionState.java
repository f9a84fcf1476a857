package pitwall;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;

/** All that is kept of one session. */
final class SessionState {
    final Plan plan;
    final long startUs;
    final SessionClock clock;
    final SessionHistory history;
    SessionFeatures features;
    long heardMs;
    long timerMs = Long.MAX_VALUE;
    long watermarkTimerMs = Long.MAX_VALUE;

    SessionState(Plan plan, long startUs) {
        this.plan = plan;
        this.startUs = startUs;
        clock = new SessionClock(plan);
        features = new SessionFeatures(plan);
        history = new SessionHistory(plan);
    }

    /** Spread a tick's samples over the plan's channels; a stand-in fills what the channel itself left open. */
    static void spread(Tick tick, double[] values, boolean[] sent) {
        Arrays.fill(values, Double.NaN);
        Arrays.fill(sent, false);
        byte[] samples = tick.samples;
        for (int at = 0; at < samples.length; at += Samples.SIZE) {
            int code = Samples.code(samples, at);
            if (code < values.length) {
                values[code] = Samples.value(samples, at);
                sent[code] = true;
            }
        }
        for (int at = 0; at < samples.length; at += Samples.SIZE) {
            int code = Samples.code(samples, at);
            if ((code & Samples.ALIAS) != 0 && Double.isNaN(values[code & ~Samples.ALIAS])) {
                values[code & ~Samples.ALIAS] = Samples.value(samples, at);
                sent[code & ~Samples.ALIAS] = true;
            }
        }
    }

    /** The same session under another plan: what both know goes on. */
    SessionState under(Plan other) throws IOException {
        if (!plan.ids().equals(other.ids())) {
            clock.recode(plan.ids(), other.ids());
        }
        DataOutputSerializer bytes = new DataOutputSerializer(1 << 16);
        write(bytes);
        return read(other, new DataInputDeserializer(bytes.getSharedBuffer(), 0, bytes.length()));
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(startUs);
        out.writeLong(heardMs);
        out.writeLong(timerMs);
        out.writeLong(watermarkTimerMs);
        clock.write(out);
        features.write(out);
        history.write(out);
    }

    static SessionState read(Plan plan, DataInputView in) throws IOException {
        SessionState s = new SessionState(plan, in.readLong());
        s.heardMs = in.readLong();
        s.timerMs = in.readLong();
        s.watermarkTimerMs = in.readLong();
        s.clock.read(in);
        s.features.read(in);
        s.history.read(in);
        return s;
    }
}
