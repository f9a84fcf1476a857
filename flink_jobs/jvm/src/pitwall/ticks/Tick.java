package pitwall.ticks;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;
import pitwall.wire.Samples;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What has come of one tick so far, from one message or from several. */
public final class Tick {
    /** Microseconds since session start. */
    public final long timeUs;

    /** Newest Kafka timestamp of its messages, milliseconds since the epoch. */
    public long recordMs;

    /** The topics that it came through, one bit each. */
    public int topics;

    /**
     * The Kafka time up to which all partitions must have been read before the tick may leave for
     * that reason alone, milliseconds since the epoch.
     */
    public long readyMs;

    /** Its samples in the form of {@link Samples}. */
    public byte[] samples;

    /** Ids of the channels that the plan does not know, one a line; null when there are none. */
    public String extras;

    /** Topic, partition and offset of its first message. */
    public final String topic;

    public final int partition;
    public final long offset;

    public Tick(
            long timeUs,
            byte[] samples,
            String extras,
            String topic,
            int partition,
            long offset,
            long recordMs) {
        this.timeUs = timeUs;
        this.samples = samples;
        this.extras = extras;
        this.topic = topic;
        this.partition = partition;
        this.offset = offset;
        this.recordMs = recordMs;
    }

    /**
     * Spreads the samples over the plan's channels. A stand-in fills a channel that has no value.
     *
     * @param values receives a value for each channel, NaN where there is none
     * @param sent receives for each channel whether the tick carried it
     */
    public void spread(double[] values, boolean[] sent) {
        Arrays.fill(values, Double.NaN);
        Arrays.fill(sent, false);
        byte[] samples = this.samples;
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

    /** Bytes that it takes on the heap, roughly. */
    public long bytes() {
        return 160 + samples.length + (extras == null ? 0 : extras.length());
    }

    public int sampleCount() {
        return samples.length / Samples.SIZE;
    }

    /**
     * Adds another message's part of the same tick. {@code known}: number of the plan's channels.
     */
    public void add(Tick part, int known) {
        int shift = extras == null ? 0 : (int) extras.chars().filter(c -> c == '\n').count() + 1;
        byte[] joined = Arrays.copyOf(samples, samples.length + part.samples.length);
        Samples.copy(part.samples, joined, samples.length, known, shift);
        samples = joined;
        topics |= part.topics;
        recordMs = Math.max(recordMs, part.recordMs);
        readyMs = Math.max(readyMs, part.readyMs);
        if (extras == null) {
            extras = part.extras;
        } else if (part.extras != null) {
            extras = extras + "\n" + part.extras;
        }
    }

    /**
     * Changes the codes from those of one plan to those of another. A stand-in for a channel that
     * the other plan does not know is lost.
     *
     * @param from channel ids of the plan that the tick was read under
     * @param to channel ids of the other plan
     */
    public void recode(List<String> from, List<String> to) {
        String[] oldExtras = extras == null ? new String[0] : extras.split("\n");
        List<String> newExtras = new ArrayList<>();
        Samples recoded = new Samples();
        for (int at = 0; at < samples.length; at += Samples.SIZE) {
            int code = Samples.code(samples, at);
            int standIn = code & Samples.ALIAS;
            code &= ~Samples.ALIAS;
            String id = code < from.size() ? from.get(code) : oldExtras[code - from.size()];
            int newCode = to.indexOf(id);
            if (newCode < 0 && standIn == 0) {
                if (!newExtras.contains(id)) {
                    newExtras.add(id);
                }
                newCode = to.size() + newExtras.indexOf(id);
            }
            if (newCode >= 0) {
                recoded.add(newCode | standIn, Samples.value(samples, at));
            }
        }
        samples = recoded.toBytes();
        extras = newExtras.isEmpty() ? null : String.join("\n", newExtras);
    }

    public void write(DataOutputView out) throws IOException {
        out.writeLong(timeUs);
        out.writeInt(samples.length);
        out.write(samples);
        StateBytes.writeText(out, extras);
        StateBytes.writeText(out, topic);
        out.writeInt(partition);
        out.writeLong(offset);
        out.writeLong(recordMs);
        out.writeInt(topics);
        out.writeLong(readyMs);
    }

    public static Tick read(DataInputView in) throws IOException {
        long timeUs = in.readLong();
        byte[] samples = new byte[in.readInt()];
        in.readFully(samples);
        String extras = StateBytes.readText(in);
        String topic = StateBytes.readText(in);
        Tick tick =
                new Tick(
                        timeUs, samples, extras, topic, in.readInt(), in.readLong(), in.readLong());
        tick.topics = in.readInt();
        tick.readyMs = in.readLong();
        return tick;
    }
}
