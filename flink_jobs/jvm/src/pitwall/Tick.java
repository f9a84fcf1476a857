package pitwall;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** What came of one tick so far, from one message or from several topics. */
final class Tick {
    long timeUs;

    /** Newest Kafka timestamp of its messages, milliseconds since the epoch. */
    long recordMs;

    /** The topics it came through, a bit each. */
    int topics;

    byte[] samples;
    String extras;
    String topic;
    int partition;
    long offset;

    void samples(byte[] bytes) {
        samples = bytes;
    }

    /** Another message's part of the same tick. {@code known}: channels in the plan, beyond which extras are counted. */
    void add(Tick more, int known) {
        int shift = extras == null ? 0 : (int) extras.chars().filter(c -> c == '\n').count() + 1;
        byte[] joined = Arrays.copyOf(samples, samples.length + more.samples.length);
        Samples.copy(more.samples, joined, samples.length, known, shift);
        samples = joined;
        topics |= more.topics;
        recordMs = Math.max(recordMs, more.recordMs);
        extras = extras == null ? more.extras : more.extras == null ? extras : extras + "\n" + more.extras;
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(timeUs);
        out.writeLong(recordMs);
        out.writeInt(topics);
        out.writeInt(samples.length);
        out.write(samples);
        Text.write(out, extras);
        Text.write(out, topic);
        out.writeInt(partition);
        out.writeLong(offset);
    }

    static Tick read(DataInputView in) throws IOException {
        Tick tick = new Tick();
        tick.timeUs = in.readLong();
        tick.recordMs = in.readLong();
        tick.topics = in.readInt();
        byte[] samples = new byte[in.readInt()];
        in.readFully(samples);
        tick.samples(samples);
        tick.extras = Text.read(in);
        tick.topic = Text.read(in);
        tick.partition = in.readInt();
        tick.offset = in.readLong();
        return tick;
    }
}
