package pitwall;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Messages read in full before, against which new ones are compared. Bounded in memory; the oldest gives way. */
final class Templates {
    private static final long MAX_BYTES = 64L << 20;
    private static final int MAX_LAYOUTS = 16;

    /** Longer messages are read in full each time. */
    static final int MAX_MESSAGE = 1 << 20;


    /** Layouts of messages that begin alike. */
    private static final class Bucket {
        final List<Template> templates = new ArrayList<>();
        long learned;
        long hits;
    }

    private final Numbers numbers = new Numbers();
    private final Map<Long, Bucket> buckets = new LinkedHashMap<>(64, 0.75f, true);
    private long bytes;

    /** The ticks of the message, or null when it must be read in full. */
    List<CarReader.Tick> read(byte[] message) {
        Bucket bucket = buckets.get(beginning(message));
        if (bucket == null) {
            return null;
        }
        for (Template template : bucket.templates) {
            List<CarReader.Tick> ticks = template.read(message, numbers);
            if (ticks != null) {
                bucket.hits++;
                return ticks;
            }
        }
        return null;
    }

    /** Remember a message that was read in full. */
    void learn(byte[] message, List<CarReader.Tick> ticks, List<CarReader.Token> tokens) {
        Bucket bucket = buckets.computeIfAbsent(beginning(message), k -> new Bucket());
        if (bucket.learned++ > 100 + bucket.hits) {
            return;
        }
        Template template = Template.of(message, ticks, tokens);
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
            var eldest = buckets.entrySet().iterator();
            for (Template old : eldest.next().getValue().templates) {
                bytes -= old.size();
            }
            eldest.remove();
        }
    }

    /** A hash of all up to the third colon: by the car's layout, the vehicle and the session. */
    private static long beginning(byte[] message) {
        long hash = 17;
        int colons = 0;
        int limit = Math.min(message.length, 512);
        for (int i = 0; i < limit; i++) {
            byte b = message[i];
            hash = hash * 31 + b;
            if (b == ':' && ++colons == 3) {
                break;
            }
        }
        return hash;
    }

    /** One message cut at its numbers. */
    private static final class Template {
        final byte[] text;
        final CarReader.Token[] tokens;
        final boolean[] varies;
        final CarReader.Tick tick;

        private Template(byte[] text, CarReader.Token[] tokens, CarReader.Tick tick) {
            this.text = text;
            this.tokens = tokens;
            this.tick = tick;
            varies = new boolean[tokens.length];
            for (int i = 0; i < tokens.length; i++) {
                varies[i] = tokens[i].kind() != CarReader.Token.OTHER;
            }
        }

        /** Bytes it holds, about. */
        long size() {
            return text.length + 48L * tokens.length;
        }

        /** Null for a message that cannot serve: of several sessions or times, or with a channel that has no value. */
        static Template of(byte[] message, List<CarReader.Tick> ticks, List<CarReader.Token> tokens) {
            if (ticks.size() != 1) {
                return null;
            }
            Numbers numbers = new Numbers();
            int previous = 0;
            for (CarReader.Token t : tokens) {
                if (t.start() < previous || !numbers.read(message, t.start(), message.length) || numbers.end != t.end()) {
                    return null;
                }
                previous = t.end();
            }
            Template template = new Template(message, tokens.toArray(new CarReader.Token[0]), ticks.get(0));
            List<CarReader.Tick> again = template.read(message, numbers);
            return again != null && again.get(0).samples.equals(template.tick.samples) ? template : null;
        }

        /** When the other has the same layout: let vary here what varies there or differs. */
        boolean absorb(Template other) {
            if (other.tokens.length != tokens.length || !other.tick.samples.sameCodes(tick.samples)) {
                return false;
            }
            for (int i = 0; i < tokens.length; i++) {
                varies[i] |= other.varies[i]
                        || !Arrays.equals(
                                text, tokens[i].start(), tokens[i].end(),
                                other.text, other.tokens[i].start(), other.tokens[i].end());
            }
            return true;
        }

        List<CarReader.Tick> read(byte[] message, Numbers numbers) {
            int at = 0;
            int done = 0;
            int timeStart = -1;
            int timeLength = 0;
            CarReader.Tick out = null;
            for (int i = 0; i < tokens.length; i++) {
                if (!varies[i]) {
                    continue;
                }
                CarReader.Token token = tokens[i];
                int length = token.start() - done;
                if (message.length - at < length || !Arrays.equals(text, done, token.start(), message, at, at + length)) {
                    return null;
                }
                at += length;
                done = token.end();
                if (token.kind() == CarReader.Token.TIME && timeStart >= 0) {
                    // One message is one tick: the time is spelled alike in each channel, and ends where a number ends.
                    if (message.length - at <= timeLength
                            || !Arrays.equals(message, timeStart, timeStart + timeLength, message, at, at + timeLength)
                            || numeral(message[at + timeLength])) {
                        return null;
                    }
                    at += timeLength;
                    continue;
                }
                if (!numbers.read(message, at, message.length)) {
                    return null;
                }
                if (token.kind() == CarReader.Token.TIME) {
                    byte first = message[at];
                    if (first == '"' || first == 'n') {
                        return null;
                    }
                    timeStart = at;
                    timeLength = numbers.end - at;
                    long timeUs;
                    try {
                        timeUs = CarReader.micros(numbers.value, 0);
                    } catch (IllegalArgumentException e) {
                        return null;
                    }
                    out = new CarReader.Tick(tick.vehicle, tick.session, tick.startUs, timeUs);
                    out.extras = tick.extras;
                } else if (token.kind() == CarReader.Token.VALUE) {
                    if (out == null) {
                        return null;
                    }
                    if (token.code() >= 0) {
                        out.samples.add(token.code(), CarReader.canonical(numbers.value, token.factor()));
                    }
                    if (token.standIn() >= 0) {
                        out.samples.add(token.standIn() | Samples.ALIAS, CarReader.canonical(numbers.value, token.standInFactor()));
                    }
                }
                at = numbers.end;
            }
            int rest = text.length - done;
            boolean fits = out != null && message.length - at == rest && Arrays.equals(text, done, text.length, message, at, message.length);
            return fits ? List.of(out) : null;
        }

        private static boolean numeral(byte b) {
            return (b >= '0' && b <= '9') || b == '.' || b == 'e' || b == 'E' || b == '+' || b == '-';
        }
    }
}
