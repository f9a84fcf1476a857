package pitwall;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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

    /** From channels numbered as in {@code from} to the numbers of {@code to}. A stand-in for a channel no longer known is lost. */
    void recode(List<String> from, List<String> to) {
        String[] extra = extras == null ? new String[0] : extras.split("\n");
        List<String> names = new ArrayList<>();
        Samples recoded = new Samples();
        for (int at = 0; at < samples.length; at += Samples.SIZE) {
            int code = Samples.code(samples, at);
            int standIn = code & Samples.ALIAS;
            code &= ~Samples.ALIAS;
            String name = code < from.size() ? from.get(code) : extra[code - from.size()];
            int known = to.indexOf(name);
            if (known < 0 && standIn == 0) {
                if (!names.contains(name)) {
                    names.add(name);
                }
                known = to.size() + names.indexOf(name);
            }
            if (known >= 0) {
                recoded.add(known | standIn, Samples.value(samples, at));
            }
        }
        samples(recoded.take());
        extras = names.isEmpty() ? null : String.join("\n", names);
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
