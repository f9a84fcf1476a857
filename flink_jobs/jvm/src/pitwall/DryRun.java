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
import java.util.List;
import java.util.Map;

/**
 * Reader, session clock and features over messages from standard input, without Flink: what the tests compare with the
 * reference. Arguments: the plan's file; {@code full} to read without templates, {@code read} to give each tick as it was
 * read and go no further, {@code restored=FILE} for another plan that holds after a C. Input frames begin
 * with a byte: M (topic, partition, offset, Kafka time, wall clock, watermark, message), A (wall clock, watermark), C (write
 * and read all state, as a restart would), P (a plan's file: forget all sessions and begin anew under this plan).
 */
public final class DryRun {
    private Plan restored;
    private Plan plan;
    private CarReader reader;
    private final Progress progress = new Progress();
    private final Map<String, SessionState> sessions = new HashMap<>();
    private final DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 20));

    private final List<String> options;
    private final boolean readOnly;

    private DryRun(Plan plan, List<String> options) throws IOException {
        this.plan = plan;
        this.options = options;
        String other = options.stream().filter(option -> option.startsWith("restored=")).findFirst().orElse(null);
        restored = other == null ? plan : new Plan(Files.readString(Path.of(other.substring("restored=".length()))));
        reader = new CarReader(plan, !options.contains("full"));
        readOnly = options.contains("read");
    }

    public static void main(String[] arguments) throws IOException {
        DryRun run = new DryRun(new Plan(Files.readString(Path.of(arguments[0]))), List.of(arguments));
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
            List<CarReader.Tick> ticks = List.of();
            try {
                ticks = reader.read(message);
            } catch (IllegalArgumentException | IOException e) {
                text('B', CarReader.reason(e), offset);
            }
            for (CarReader.Tick read : ticks) {
                String key = read.vehicle + "/" + read.session;
                if (readOnly) {
                    byte[] samples = read.samples.take();
                    text('K', key + (read.extras == null ? "" : "\n" + read.extras), offset);
                    out.writeLong(read.startUs);
                    out.writeLong(read.timeUs);
                    out.writeInt(samples.length);
                    out.write(samples);
                } else {
                    Tick tick = new Tick();
                    tick.timeUs = read.timeUs;
                    tick.samples(read.samples.take());
                    tick.extras = read.extras;
                    tick.topic = topic;
                    tick.partition = partition;
                    tick.offset = offset;
                    tick.recordMs = recordMs;
                    SessionState s = sessions.computeIfAbsent(key, k -> new SessionState(plan, read.startUs));
                    s.clock.offer(tick, progress, new Outputs(key, s));
                }
            }
        } else if (kind == 'A') {
            progress.now = in.readLong();
            progress.watermark = in.readLong();
            for (Map.Entry<String, SessionState> entry : sessions.entrySet()) {
                entry.getValue().clock.advance(progress, new Outputs(entry.getKey(), entry.getValue()));
            }
        } else if (kind == 'P') {
            plan = restored = new Plan(Files.readString(Path.of(in.readUTF())));
            reader = new CarReader(plan, !options.contains("full"));
            sessions.clear();
            text('P', plan.view, plan.features.size());
        } else {
            plan = restored;
            reader = new CarReader(plan, !options.contains("full"));
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
