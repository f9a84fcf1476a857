package pitwall.clock;

import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.bytes.StateBytes;
import pitwall.ticks.Tick;

import java.io.IOException;
import java.util.Arrays;

/** The topics and partitions that a session came through, and what each of them brought last. */
final class SessionSources {
    private static final int MAX_TOPICS = 31;
    private static final int MAX_PARTITIONS = 1024;

    /** Of a longer pause of the session only so much counts as activity, milliseconds. */
    private static final long LONGEST_PAUSE_MS = 1000;

    private String[] topics = new String[0];

    /** The index of the topic in the upper half, the partition's number in the lower one. */
    private long[] partitions = new long[0];

    /** Newest Kafka time of each, milliseconds, and its last tick's session time, microseconds. */
    private long[] recordMs = new long[0];

    private long[] timesUs = new long[0];

    /**
     * The latest session time that each brought since the session began, microseconds. It stays
     * where copies of older ticks come, and where one time lies far ahead.
     */
    private long[] reachedUs = new long[0];

    /** The later one of that Kafka time and the watermark then, milliseconds. */
    private long[] readMs = new long[0];

    /** Wall clock when each of them brought something last, milliseconds. */
    private long[] heardMs = new long[0];

    /** How long the session had been active when each of them brought something last. */
    private long[] activeMs = new long[0];

    /** Kafka time during which the session was active, without its pauses, milliseconds. */
    private long sessionActiveMs;

    /** Newest Kafka time of the session, milliseconds. */
    private long newestRecordMs = Long.MIN_VALUE;

    /**
     * Notes the message of a tick that comes now. Gives the topic's index; all topics above the
     * limit share one.
     */
    int note(Tick tick, Progress progress) {
        if (tick.recordMs > newestRecordMs) {
            if (newestRecordMs != Long.MIN_VALUE) {
                sessionActiveMs += Math.min(tick.recordMs - newestRecordMs, LONGEST_PAUSE_MS);
            }
            newestRecordMs = tick.recordMs;
        }
        int topic = topic(tick.topic);
        long key = (long) topic << 32 | tick.partition;
        int i = 0;
        while (i < partitions.length && partitions[i] != key) {
            i++;
        }
        if (i == partitions.length) {
            if (i == MAX_PARTITIONS) {
                return topic;
            }
            partitions = Arrays.copyOf(partitions, i + 1);
            recordMs = Arrays.copyOf(recordMs, i + 1);
            timesUs = Arrays.copyOf(timesUs, i + 1);
            reachedUs = Arrays.copyOf(reachedUs, i + 1);
            activeMs = Arrays.copyOf(activeMs, i + 1);
            heardMs = Arrays.copyOf(heardMs, i + 1);
            readMs = Arrays.copyOf(readMs, i + 1);
            partitions[i] = key;
            recordMs[i] = timesUs[i] = reachedUs[i] = Long.MIN_VALUE;
        }
        recordMs[i] = Math.max(recordMs[i], tick.recordMs);
        if (isNear(tick.timeUs, reachedUs[i]) || isNear(tick.timeUs, timesUs[i])) {
            reachedUs[i] = Math.max(reachedUs[i], tick.timeUs);
        }
        timesUs[i] = tick.timeUs;
        activeMs[i] = sessionActiveMs;
        heardMs[i] = progress.now;
        readMs[i] = progress.after(recordMs[i], 0);
        return topic;
    }

    /** Whether the tick's partition has brought its time, or a later one, before. */
    boolean hasReached(Tick tick) {
        for (int i = 0; i < partitions.length; i++) {
            int topic = (int) (partitions[i] >> 32);
            if ((int) partitions[i] == tick.partition
                    && topic < topics.length
                    && topics[topic].equals(tick.topic)) {
                return tick.timeUs <= reachedUs[i];
            }
        }
        return false;
    }

    /** Whether a time is not far ahead of another one, which may be none yet. */
    private static boolean isNear(long timeUs, long otherUs) {
        return otherUs == Long.MIN_VALUE || timeUs <= otherUs + SessionClock.JUMP_US;
    }

    private int topic(String name) {
        for (int i = 0; i < topics.length; i++) {
            if (topics[i].equals(name)) {
                return i;
            }
        }
        if (topics.length == MAX_TOPICS) {
            return MAX_TOPICS;
        }
        topics = Arrays.copyOf(topics, topics.length + 1);
        topics[topics.length - 1] = name;
        return topics.length - 1;
    }

    boolean areSeveral() {
        return partitions.length > 1;
    }

    /**
     * The topics that still bring the session, one bit each. One that brought nothing while the
     * session was active for {@code idleMs}, of what was read, does not.
     */
    int liveTopics(Progress progress, long idleMs) {
        if (topics.length == 1) {
            return 1;
        }
        int live = 0;
        for (int i = 0; i < partitions.length; i++) {
            if (isLive(i, progress, idleMs)) {
                live |= 1 << (int) (partitions[i] >> 32);
            }
        }
        return live;
    }

    /** Whether each partition that still brings the session has brought a tick so late. */
    boolean allReached(long timeUs, Progress progress, long idleMs) {
        for (int i = 0; i < partitions.length; i++) {
            if (reachedUs[i] < timeUs && isLive(i, progress, idleMs)) {
                return false;
            }
        }
        return true;
    }

    /** Whether each partition that still brings the session has been read to this Kafka time. */
    boolean allRead(long ms, Progress progress, long idleMs) {
        for (int i = 0; i < partitions.length; i++) {
            if (recordMs[i] < ms && isLive(i, progress, idleMs)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Whether a partition may still bring something earlier than the others: the session was not
     * active long enough without it, or it has not been read so far.
     */
    private boolean isLive(int i, Progress progress, long idleMs) {
        boolean isRead =
                progress.watermark >= readMs[i] + idleMs && progress.isSettled()
                        || progress.isCalm(heardMs[i], 2 * idleMs);
        return !isRead || sessionActiveMs < activeMs[i] + idleMs;
    }

    /** The session begins anew with ticks of this Kafka time and later ones. */
    void restart(long ms) {
        for (int i = 0; i < partitions.length; i++) {
            if (recordMs[i] < ms) {
                timesUs[i] = Long.MIN_VALUE;
            }
            reachedUs[i] = timesUs[i];
        }
    }

    /** The session is over for now: no partition has brought anything of what follows. */
    void release() {
        Arrays.fill(timesUs, Long.MIN_VALUE);
        Arrays.fill(reachedUs, Long.MIN_VALUE);
    }

    /** Bytes that it takes on the heap, roughly. */
    long bytes() {
        return 176 + 56L * partitions.length + 80L * topics.length;
    }

    void write(DataOutputView out) throws IOException {
        out.writeInt(topics.length);
        for (String topic : topics) {
            StateBytes.writeText(out, topic);
        }
        StateBytes.writeLongs(out, partitions);
        StateBytes.writeLongs(out, recordMs);
        StateBytes.writeLongs(out, timesUs);
        StateBytes.writeLongs(out, reachedUs);
        StateBytes.writeLongs(out, activeMs);
        StateBytes.writeLongs(out, heardMs);
        StateBytes.writeLongs(out, readMs);
        out.writeLong(sessionActiveMs);
        out.writeLong(newestRecordMs);
    }

    void read(DataInputView in) throws IOException {
        topics = new String[in.readInt()];
        for (int i = 0; i < topics.length; i++) {
            topics[i] = StateBytes.readText(in);
        }
        partitions = StateBytes.readLongs(in);
        recordMs = StateBytes.readLongs(in);
        timesUs = StateBytes.readLongs(in);
        reachedUs = StateBytes.readLongs(in);
        activeMs = StateBytes.readLongs(in);
        heardMs = StateBytes.readLongs(in);
        readMs = StateBytes.readLongs(in);
        sessionActiveMs = in.readLong();
        newestRecordMs = in.readLong();
    }
}
