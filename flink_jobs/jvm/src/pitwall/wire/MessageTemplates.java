package pitwall.wire;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Messages that were read in full before, with which new ones are compared. Their number and their
 * memory are bounded; those that were not used for longest are dropped first.
 *
 * <p>Messages that begin alike share a bucket, whatever numbers they begin with. The first message
 * of a bucket is not learned: a flood of messages that never come again costs a small object each.
 */
final class MessageTemplates {
    private static final long MAX_BYTES = 64L << 20;
    private static final int MAX_BUCKETS = 4096;
    private static final int MAX_LAYOUTS = 16;
    private static final int MAX_BEGINNING = 512;
    private static final int BEGINNING_COLONS = 3;

    /** Messages are learned freely so often; after that only as often as templates were of use. */
    private static final int FREE_LESSONS = 100;

    /** Longer messages are read in full each time. Bytes. */
    private static final int MAX_MESSAGE = 1 << 20;

    /** The layouts of messages that begin alike. */
    private static final class Bucket {
        final List<MessageTemplate> templates = new ArrayList<>(2);
        long lessons;
        long hits;
    }

    private final NumberReader numbers = new NumberReader();

    /** By the hash of the messages' beginning, the one that was not used for longest first. */
    private final Map<Long, Bucket> buckets = new LinkedHashMap<>(64, 0.75f, true);

    /** The bucket of the message that {@link #read} looked for last; null if there is none. */
    private Bucket bucket;

    /** Memory of all templates. */
    private long bytes;

    /** The ticks of the message, or null when it must be read in full. */
    List<MessageTick> read(byte[] message) {
        bucket = message.length > MAX_MESSAGE ? null : buckets.get(beginning(message));
        if (bucket == null) {
            return null;
        }
        for (MessageTemplate template : bucket.templates) {
            List<MessageTick> ticks = template.read(message, numbers);
            if (ticks != null) {
                bucket.hits++;
                return ticks;
            }
        }
        return null;
    }

    /** Whether {@link #learn} is of use for the message that {@link #read} has just not found. */
    boolean wantsToLearn() {
        return bucket != null && bucket.lessons <= FREE_LESSONS + bucket.hits;
    }

    /** Remembers the message that {@link #read} has just not found, and that was read in full. */
    void learn(byte[] message, List<MessageTick> ticks, List<MessageNumber> messageNumbers) {
        bucket.lessons++;
        MessageTemplate template = MessageTemplate.of(message, ticks, messageNumbers);
        if (template == null) {
            return;
        }
        List<MessageTemplate> templates = bucket.templates;
        for (int i = 0; i < templates.size(); i++) {
            if (template.absorb(templates.get(i))) {
                bytes -= templates.remove(i).size();
                break;
            }
        }
        templates.add(0, template);
        bytes += template.size();
        if (templates.size() > MAX_LAYOUTS) {
            bytes -= templates.remove(MAX_LAYOUTS).size();
        }
        while (bytes > MAX_BYTES) {
            dropEldest();
        }
    }

    /** Notes a message that was read in full and is not learned. The next one like it may be. */
    void note(byte[] message) {
        if (bucket == null && message.length <= MAX_MESSAGE) {
            buckets.put(beginning(message), new Bucket());
            if (buckets.size() > MAX_BUCKETS) {
                dropEldest();
            }
        }
    }

    private void dropEldest() {
        Iterator<Map.Entry<Long, Bucket>> eldest = buckets.entrySet().iterator();
        for (MessageTemplate template : eldest.next().getValue().templates) {
            bytes -= template.size();
        }
        eldest.remove();
    }

    /** About how many bytes of memory all templates hold. */
    long size() {
        return bytes;
    }

    /**
     * A hash of the text up to the third colon, where numbers and their colons do not count. In the
     * car's layout it covers vehicle and session.
     */
    private static long beginning(byte[] message) {
        long hash = 17;
        int colons = 0;
        int limit = Math.min(message.length, MAX_BEGINNING);
        for (int i = 0; i < limit; i++) {
            byte b = message[i];
            hash = hash * 31 + b;
            if (b == ':') {
                int end = numberEnd(message, i + 1, limit);
                if (end >= 0) {
                    i = end - 1;
                } else if (++colons == BEGINNING_COLONS) {
                    break;
                }
            }
        }
        return hash;
    }

    /** First byte after the number that begins here or after spaces; below zero if none does. */
    private static int numberEnd(byte[] message, int at, int limit) {
        while (at < limit && message[at] == ' ') {
            at++;
        }
        if (at == limit || (message[at] != '-' && (message[at] < '0' || message[at] > '9'))) {
            return -1;
        }
        while (at < limit && NumberReader.isPart(message[at])) {
            at++;
        }
        return at;
    }
}
