package pitwall.wire;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Messages that were read in full before, with which new ones are compared. Their memory is
 * bounded; those that were not used for longest are dropped first.
 */
final class MessageTemplates {
    private static final long MAX_BYTES = 64L << 20;
    private static final int MAX_LAYOUTS = 16;
    private static final int MAX_BEGINNING = 512;
    private static final int BEGINNING_COLONS = 3;

    /** Messages are learned freely so often; after that only as often as templates were of use. */
    private static final int FREE_LESSONS = 100;

    /** Longer messages are read in full each time. Bytes. */
    static final int MAX_MESSAGE = 1 << 20;

    /** The layouts of messages that begin alike. */
    private static final class Bucket {
        final List<MessageTemplate> templates = new ArrayList<>();
        long learned;
        long hits;
    }

    private final NumberReader numbers = new NumberReader();
    private final Map<Long, Bucket> buckets = new LinkedHashMap<>(64, 0.75f, true);
    private long bytes;

    /** The ticks of the message, or null when it must be read in full. */
    List<MessageTick> read(byte[] message) {
        Bucket bucket = buckets.get(beginning(message));
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

    /** Remembers a message that was read in full. */
    void learn(byte[] message, List<MessageTick> ticks, List<MessageNumber> messageNumbers) {
        Bucket bucket = buckets.computeIfAbsent(beginning(message), hash -> new Bucket());
        if (bucket.learned++ > FREE_LESSONS + bucket.hits) {
            return;
        }
        MessageTemplate template = MessageTemplate.of(message, ticks, messageNumbers);
        if (template == null) {
            return;
        }
        for (int i = 0; i < bucket.templates.size(); i++) {
            if (template.absorb(bucket.templates.get(i))) {
                bytes -= bucket.templates.remove(i).size();
                break;
            }
        }
        bucket.templates.add(0, template);
        bytes += template.size();
        if (bucket.templates.size() > MAX_LAYOUTS) {
            bytes -= bucket.templates.remove(MAX_LAYOUTS).size();
        }
        while (bytes > MAX_BYTES) {
            dropEldest();
        }
    }

    private void dropEldest() {
        Iterator<Map.Entry<Long, Bucket>> eldest = buckets.entrySet().iterator();
        for (MessageTemplate template : eldest.next().getValue().templates) {
            bytes -= template.size();
        }
        eldest.remove();
    }

    /**
     * A hash of the text up to the third colon. In the car's layout it covers vehicle and session.
     */
    private static long beginning(byte[] message) {
        long hash = 17;
        int colons = 0;
        int limit = Math.min(message.length, MAX_BEGINNING);
        for (int i = 0; i < limit; i++) {
            byte b = message[i];
            hash = hash * 31 + b;
            if (b == ':' && ++colons == BEGINNING_COLONS) {
                break;
            }
        }
        return hash;
    }
}
