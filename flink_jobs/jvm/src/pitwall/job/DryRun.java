package pitwall.job;

import pitwall.clock.ClockOutput;
import pitwall.clock.Progress;
import pitwall.ticks.Tick;
import pitwall.plan.Plan;
import pitwall.wire.CarReader;
import pitwall.wire.MessageTick;

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
 * Reader, session clock and features over messages from standard input, without Flink. The tests
 * compare its output with the reference in Python ({@code tests/dryrun.py} writes and reads the
 * frames).
 *
 * <p>Arguments: the plan's file, then options. {@code full} reads without templates; {@code read}
 * writes each tick as it was read and computes nothing; {@code restored=FILE} names another plan
 * that holds after a frame C; {@code fail=US} lets the features of ticks at this time fail.
 *
 * <p>Input frames begin with a byte: M (topic, partition, offset, Kafka time, wall clock,
 * watermark, message), A for time that passes (wall clock, watermark), C (all state is written and
 * read again, as in a restart of the job), P (a plan's file: all sessions are forgotten, and what
 * follows is read under this plan). The watermark never falls back; the greatest one means that
 * nothing comes any more. Output frames begin with a byte and a text: P the view of the new plan
 * with its number of features, T a tick with its features, L a late tick, D a duplicate, F a tick
 * of a session that is set aside (with the reason), R a session that begins anew, B a bad message,
 * K a tick as it was read.
 */
public final class DryRun {
    private static final String RESTORED = "restored=";
    private static final String FAIL = "fail=";
    private static final int BUFFER_BYTES = 1 << 20;

    private Plan restored;
    private final boolean useTemplates;
    private final boolean readOnly;
    private final Progress progress = new Progress();
    private final Map<String, SessionState> sessions = new HashMap<>();
    private final DataOutputStream out =
            new DataOutputStream(new BufferedOutputStream(System.out, BUFFER_BYTES));
    private Plan plan;
    private CarReader reader;
    private SessionRows rows;
    private long failUs = Long.MIN_VALUE;

    private DryRun(Plan plan, List<String> options) throws IOException {
        Plan later = plan;
        for (String option : options) {
            if (option.startsWith(RESTORED)) {
                later = planOf(option.substring(RESTORED.length()));
            }
            if (option.startsWith(FAIL)) {
                failUs = Long.parseLong(option.substring(FAIL.length()));
            }
        }
        restored = later;
        useTemplates = !options.contains("full");
        readOnly = options.contains("read");
        use(plan);
    }

    private static Plan planOf(String file) throws IOException {
        return new Plan(Files.readString(Path.of(file)));
    }

    private void use(Plan plan) {
        this.plan = plan;
        reader = new CarReader(plan, useTemplates);
        rows = new FailingRows(plan);
    }

    public static void main(String[] arguments) throws IOException {
        DryRun run = new DryRun(planOf(arguments[0]), List.of(arguments));
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, BUFFER_BYTES));
        try {
            while (true) {
                run.frame(in, in.readByte());
            }
        } catch (EOFException end) {
            run.out.flush();
        }
    }

    private void frame(DataInputStream in, byte kind) throws IOException {
        switch (kind) {
            case 'M' -> message(in);
            case 'A' -> advance(in);
            case 'P' -> begin(in.readUTF());
            default -> restart();
        }
    }

    private void message(DataInputStream in) throws IOException {
        String topic = in.readUTF();
        int partition = in.readInt();
        long offset = in.readLong();
        long recordMs = in.readLong();
        progress.now = in.readLong();
        progress.watermark = Math.max(progress.watermark, in.readLong());
        byte[] message = in.readNBytes(in.readInt());
        List<MessageTick> ticks = List.of();
        try {
            ticks = reader.read(message);
        } catch (IllegalArgumentException | IOException e) {
            write('B', CarReader.reason(e), offset);
        }
        for (MessageTick read : ticks) {
            String key = read.vehicle + "/" + read.session;
            byte[] samples = read.samples.toBytes();
            if (readOnly) {
                write('K', key + (read.extras == null ? "" : "\n" + read.extras), offset);
                out.writeLong(read.startUs);
                out.writeLong(read.timeUs);
                out.writeInt(samples.length);
                out.write(samples);
                continue;
            }
            Tick tick =
                    new Tick(read.timeUs, samples, read.extras, topic, partition, offset, recordMs);
            SessionState session =
                    sessions.computeIfAbsent(key, k -> new SessionState(plan, read.startUs));
            session.clock.offer(tick, progress, new FrameOutput(key, session));
        }
    }

    private void advance(DataInputStream in) throws IOException {
        progress.now = in.readLong();
        progress.watermark = Math.max(progress.watermark, in.readLong());
        for (Map.Entry<String, SessionState> entry : sessions.entrySet()) {
            SessionState session = entry.getValue();
            FrameOutput frames = new FrameOutput(entry.getKey(), session);
            if (progress.watermark == Long.MAX_VALUE) {
                session.clock.silence(frames);
            } else {
                session.clock.advance(progress, frames);
            }
        }
    }

    private void begin(String file) throws IOException {
        restored = planOf(file);
        use(restored);
        sessions.clear();
        progress.watermark = Long.MIN_VALUE;
        write('P', restored.view, restored.features.size());
    }

    private void restart() throws IOException {
        use(restored);
        for (Map.Entry<String, SessionState> entry : sessions.entrySet()) {
            entry.setValue(entry.getValue().under(plan));
        }
    }

    private void write(char kind, String text, long number) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeByte(kind);
        out.writeInt(bytes.length);
        out.write(bytes);
        out.writeLong(number);
    }

    /** Rows of which some cannot be computed, as by a fault of ours. */
    private final class FailingRows extends SessionRows {
        FailingRows(Plan plan) {
            super(plan);
        }

        @Override
        void compute(SessionState session, Tick tick) {
            if (tick.timeUs == failUs) {
                throw new IllegalStateException("this tick fails on purpose");
            }
            super.compute(session, tick);
        }
    }

    /** Writes what the clock of one session lets out. */
    private final class FrameOutput implements ClockOutput {
        private final String key;
        private final SessionState session;

        FrameOutput(String key, SessionState session) {
            this.key = key;
            this.session = session;
        }

        @Override
        public void tick(Tick tick) throws IOException {
            if (!rows.next(session, tick, progress.now, (times, channels) -> {})) {
                write('F', key + "\n" + session.failure, tick.timeUs);
                return;
            }
            write('T', key, tick.timeUs);
            for (double feature : rows.features) {
                out.writeDouble(feature);
            }
        }

        @Override
        public void late(Tick tick) throws IOException {
            write('L', key, tick.timeUs);
        }

        @Override
        public void duplicate(Tick tick) {
            try {
                write('D', key, tick.timeUs);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void restart() throws IOException {
            session.restart();
            write('R', key, 0);
        }
    }
}
