package pitwall.clock;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;

import java.io.IOException;
import java.util.Arrays;

/** The topics and partitions that a session came through, and how far each of them was read. */
final class TickSources {
    private static final int MAX_TOPICS = 31;
    private static final int MAX_PARTITIONS = 1024;

    private String[] topics = new String[0];

    /** Newest Kafka time of the session's records in each topic, milliseconds. */
    private long[] topicRecordMs = new long[0];

    /** The index of the topic in the upper half, the partition's number in the lower one. */
    private long[] partitions = new long[0];

    private long[] partitionRecordMs = new long[0];

    /** Wall clock when a record came last; not part of the state. */
    private long[] partitionHeardMs = new long[0];

    /**
     * Notes the message of a tick. Gives the topic's index; all topics above the limit share one.
     */
    int note(Tick tick, long now) {
        int topic = noteTopic(tick.topic, tick.recordMs);
        notePartition((long) topic << 32 | tick.partition, tick.recordMs, now);
        return topic;
    }

    private int noteTopic(String name, long recordMs) {
        for (int i = 0; i < topics.length; i++) {
            if (topics[i].equals(name)) {
                topicRecordMs[i] = Math.max(topicRecordMs[i], recordMs);
                return i;
            }
        }
        if (topics.length == MAX_TOPICS) {
            return MAX_TOPICS;
        }
        topics = Arrays.copyOf(topics, topics.length + 1);
        topicRecordMs = Arrays.copyOf(topicRecordMs, topics.length);
        topics[topics.length - 1] = name;
        topicRecordMs[topics.length - 1] = recordMs;
        return topics.length - 1;
    }

    private void notePartition(long key, long recordMs, long now) {
        int i = 0;
        while (i < partitions.length && partitions[i] != key) {
            i++;
        }
        if (i == partitions.length) {
            if (i == MAX_PARTITIONS) {
                return;
            }
            partitions = Arrays.copyOf(partitions, i + 1);
            partitionRecordMs = Arrays.copyOf(partitionRecordMs, i + 1);
            partitionHeardMs = Arrays.copyOf(partitionHeardMs, i + 1);
            partitions[i] = key;
        }
        partitionRecordMs[i] = Math.max(partitionRecordMs[i], recordMs);
        partitionHeardMs[i] = now;
    }

    int topicCount() {
        return topics.length;
    }

    /** Newest Kafka time of the session's records in this topic, milliseconds. */
    long topicRecordMs(int topic) {
        return topicRecordMs[topic];
    }

    /**
     * Up to which Kafka time the session's partitions have been read. Of those that were silent for
     * {@code idleMs} only while the partitions are not settled.
     */
    long partitionsReadMs(Progress progress, long idleMs) {
        long read = Long.MAX_VALUE;
        for (int i = 0; i < partitions.length; i++) {
            if (progress.isUnsettled() || progress.now < partitionHeardMs[i] + idleMs) {
                read = Math.min(read, partitionRecordMs[i]);
            }
        }
        return read;
    }

    void write(DataOutputView out) throws IOException {
        out.writeInt(topics.length);
        for (String topic : topics) {
            StateBytes.writeText(out, topic);
        }
        StateBytes.writeLongs(out, topicRecordMs);
        StateBytes.writeLongs(out, partitions);
        StateBytes.writeLongs(out, partitionRecordMs);
    }

    void read(DataInputView in) throws IOException {
        topics = new String[in.readInt()];
        for (int i = 0; i < topics.length; i++) {
            topics[i] = StateBytes.readText(in);
        }
        topicRecordMs = StateBytes.readLongs(in);
        partitions = StateBytes.readLongs(in);
        partitionRecordMs = StateBytes.readLongs(in);
        partitionHeardMs = new long[partitions.length];
    }
}
