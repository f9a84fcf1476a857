package pitwall;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Reader, session clock and features over messages from standard input, without Flink: what the tests compare with the
 * reference. Arguments: the plan's file, and that of another plan that holds after the first C. Input frames begin with a byte: M (topic, partition, offset, Kafka time, wall
 * clock, watermark, message), A (wall clock, watermark), C (write and read all state, as a restart would).
 */
public final class DryRun {
    private final Plan restored;
    private Plan plan;
    private CarReader reader;
    private final Progress progress = new Progress();
    private final Map<String, SessionState> sessions = new HashMap<>();
    private final DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 20));

    private DryRun(Plan plan, Plan restored) {
        this.plan = plan;
        this.restored = restored;
        reader = new CarReader(plan);
    }

    public static void main(String[] arguments) throws IOException {
        Plan plan = new Plan(Files.readString(Path.of(arguments[0])));
        DryRun run = new DryRun(plan, arguments.length > 1 ? new Plan(Files.readString(Path.of(arguments[1]))) : plan);
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 20));
        try {
            while (true) {
                run.frame(in, in.readByte());
            }
        } catch (EOFException end) {
            run.out.flush();
        }
    }

    private void frame(DataInputStream in, byte kind) throws IOException {
        if (kind == 'M') {
            String topic = in.readUTF();
            int partition = in.readInt();
            long offset = in.readLong();
            long recordMs = in.readLong();
            progress.now = progress.inputMs = in.readLong();
            progress.watermark = in.readLong();
            byte[] message = in.readNBytes(in.readInt());
            try {
                for (CarReader.Tick read : reader.read(message)) {
                    Tick tick = new Tick();
                    tick.timeUs = read.timeUs;
                    tick.samples(read.samples.take());
                    tick.extras = read.extras;
                    tick.topic = topic;
                    tick.partition = partition;
                    tick.offset = offset;
                    tick.recordMs = recordMs;
                    String key = read.vehicle + "/" + read.session;
                    SessionState s = sessions.computeIfAbsent(key, k -> new SessionState(plan, read.startUs));
                    s.clock.offer(tick, progress, new Outputs(key, s));
                }
            } catch (IllegalArgumentException | IOException e) {
                text('B', String.valueOf(e.getMessage()), offset);
            }
        } else if (kind == 'A') {
            progress.now = in.readLong();
            progress.watermark = in.readLong();
            for (Map.Entry<String, SessionState> entry : sessions.entrySet()) {
                entry.getValue().clock.advance(progress, new Outputs(entry.getKey(), entry.getValue()));
            }
        } else {
            plan = restored;
            reader = new CarReader(plan);
            for (Map.Entry<String, SessionState> entry : sessions.entrySet()) {
                entry.setValue(entry.getValue().under(plan));
            }
        }
    }

    private void text(char kind, String text, long number) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeByte(kind);
        out.writeInt(bytes.length);
        out.write(bytes);
        out.writeLong(number);
    }

    private final class Outputs implements SessionClock.Out {
        private final String key;
        private final SessionState s;

        Outputs(String key, SessionState s) {
            this.key = key;
            this.s = s;
        }

        @Override
        public void tick(Tick tick) throws IOException {
            double[] values = new double[plan.channels.size()];
            boolean[] sent = new boolean[values.length];
            double[] features = new double[plan.features.size()];
            SessionState.spread(tick, values, sent);
            s.features.next(tick.timeUs, values, sent, features);
            text('T', key, tick.timeUs);
            for (double feature : features) {
                out.writeDouble(feature);
            }
        }

        @Override
        public void late(Tick tick) throws IOException {
            text('L', key, tick.timeUs);
        }

        @Override
        public void duplicate(Tick tick) {
            try {
                text('D', key, tick.timeUs);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void restart() throws IOException {
            s.features = new SessionFeatures(plan);
            text('R', key, 0);
        }
    }
}
