package pitwall;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.StreamReadConstraints;

/**
 * Reads one message of the car: a JSON array, one object a channel. A message is taken whole or not at all.
 *
 * <p>It is UTF-8 (a mark at its beginning is passed over) and JSON of RFC 8259, within the limits below. A key that comes
 * twice must be right each time; the last one counts. Ids and units hold no control character and no half of a pair.
 *
 * <p>Messages of a session differ in a few numbers only, so after one was read in full the next ones are compared with
 * it ({@link Template}) and only the numbers are read. What does not fit is read in full; the result is the same.
 */
final class CarReader {
    /** All of one tick that one message carries. */
    static final class Tick {
        final String vehicle;
        final String session;
        final long startUs;
        final long timeUs;
        final Samples samples = new Samples();

        /** Ids of channels the plan does not know, a line each; null when there are none. */
        String extras;

        private final Map<String, Integer> extraCodes = new LinkedHashMap<>();

        Tick(String vehicle, String session, long startUs, long timeUs) {
            this.vehicle = vehicle;
            this.session = session;
            this.startUs = startUs;
            this.timeUs = timeUs;
        }
    }

    /** A number of the message: where it stands, which channel's it is and, or -1, which other channel it stands in for. */
    record Token(int start, int end, int kind, int code, double factor, int standIn, double standInFactor) {
        static final int OTHER = 0;
        static final int TIME = 1;
        static final int VALUE = 2;
    }

    /** More channels than this in one message are no car. With {@link #MAX_TEXT}: a tick fits in one write to Cassandra. */
    static final int MAX_CHANNELS = 10_000;

    /** Characters (UTF-16) of an id or a unit. */
    static final int MAX_TEXT = 200;

    /** Characters (UTF-16) of a key. The parser remembers keys. */
    static final int MAX_KEY = 1000;

    static final int MAX_DEPTH = 100;
    private static final int FIRST_YEAR = 1970;
    private static final int LAST_YEAR = 2199;
    private static final long MAX_SESSION_US = 366L * 86400 * 1_000_000;

    private record Key(String vehicle, String session, long timeUs) {}

    private final Plan plan;
    private final JsonFactory factory = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
            .build();
    private final CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
    private final CharBuffer decoded = CharBuffer.allocate(8192);
    private final Map<String, Integer> codes = new HashMap<>();
    private final Map<String, Integer> standIns = new HashMap<>();
    private final Map<String, Long> starts = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
            return size() > 1000;
        }
    };
    private final Templates templates;
    private final Numbers numbers = new Numbers();
    private final List<Token> tokens = new ArrayList<>();

    /** Whether the message at hand may serve as a template. */
    private boolean learning;

    CarReader(Plan plan) {
        this(plan, true);
    }

    /** {@code quick}: compare with earlier messages; the result is the same without. */
    CarReader(Plan plan, boolean quick) {
        this.plan = plan;
        templates = quick ? new Templates() : null;
        for (int i = 0; i < plan.channels.size(); i++) {
            codes.put(plan.channels.get(i).id(), i);
            for (String alias : plan.channels.get(i).aliases()) {
                standIns.put(alias, i);
            }
        }
    }

    /** The ticks of one message. Raises IllegalArgumentException or IOException with the reason when it is bad. */
    List<Tick> read(byte[] message) throws IOException {
        List<Tick> ticks = templates == null ? null : templates.read(message);
        if (ticks == null) {
            learning = templates != null && message.length <= Templates.MAX_MESSAGE;
            ticks = readInFull(message);
            if (ticks.isEmpty()) {
                throw new IllegalArgumentException("no channel in the message");
            }
            if (learning) {
                templates.learn(message, ticks, tokens);
            }
        }
        return ticks;
    }

    /** One line that says why {@link #read} refused a message. */
    static String reason(Exception refusal) {
        return String.valueOf(refusal.getMessage()).split("\n", 2)[0];
    }

    private List<Tick> readInFull(byte[] message) throws IOException {
        Map<Key, Tick> ticks = new LinkedHashMap<>();
        Tick tick = null;
        tokens.clear();
        checkText(message);
        try (JsonParser json = factory.createParser(message)) {
            if (json.nextToken() != JsonToken.START_ARRAY) {
                throw new IllegalArgumentException("not a JSON array");
            }
            int position = 0;
            while (json.nextToken() != JsonToken.END_ARRAY) {
                if (json.currentToken() != JsonToken.START_OBJECT) {
                    throw new IllegalArgumentException("element " + position + " is no object");
                }
                if (position == MAX_CHANNELS) {
                    throw new IllegalArgumentException("more than " + MAX_CHANNELS + " channels in one message");
                }
                String vehicle = null;
                String session = null;
                String channel = null;
                String unit = null;
                double time = Double.NaN;
                double value = Double.NaN;
                boolean timed = false;
                int timeToken = -1;
                int valueToken = -1;
                while (json.nextToken() == JsonToken.FIELD_NAME) {
                    String key = key(json);
                    JsonToken token = json.nextToken();
                    switch (key) {
                        case "VehicleId" -> vehicle = text(json, token, key, position);
                        case "SessionId" -> session = text(json, token, key, position);
                        case "ChannelId" -> channel = text(json, token, key, position);
                        case "ChannelUnit" -> unit = token == JsonToken.VALUE_NULL ? null : text(json, token, key, position);
                        case "Timestamp" -> {
                            time = number(message, json, token, key, position);
                            learning &= !timed;
                            timed = true;
                            timeToken = token(json, token);
                        }
                        case "ChannelValue" -> {
                            value = token == JsonToken.VALUE_NULL ? Double.NaN : number(message, json, token, key, position);
                            valueToken = token(json, token);
                        }
                        default -> {
                            if (token.isScalarValue()) {
                                token(json, token);
                            } else {
                                skip(json);
                            }
                        }
                    }
                }
                if (vehicle == null || session == null || channel == null || !timed) {
                    throw new IllegalArgumentException("element " + position + " lacks "
                            + (vehicle == null ? "VehicleId" : session == null ? "SessionId" : channel == null ? "ChannelId" : "Timestamp"));
                }
                long timeUs = micros(time, position);
                if (tick == null || tick.timeUs != timeUs || !tick.vehicle.equals(vehicle) || !tick.session.equals(session)) {
                    long startUs = starts.computeIfAbsent(session, CarReader::startUs);
                    Tick fresh = new Tick(vehicle, session, startUs, timeUs);
                    tick = ticks.computeIfAbsent(new Key(vehicle, session, timeUs), k -> fresh);
                }
                mark(timeToken, Token.TIME, 0, 0, -1, 0);
                Integer code = codes.get(channel);
                Integer standIn = standIns.get(channel);
                if (code == null && standIn == null) {
                    Tick t = tick;
                    code = t.extraCodes.computeIfAbsent(channel, k -> plan.channels.size() + t.extraCodes.size());
                }
                double factor = code == null ? 1 : factor(code, unit);
                if (code != null) {
                    tick.samples.add(code, canonical(value, factor));
                }
                double standInFactor = standIn == null ? 1 : factor(standIn, unit);
                if (standIn != null) {
                    tick.samples.add(standIn | Samples.ALIAS, canonical(value, standInFactor));
                }
                mark(valueToken, Token.VALUE, code == null ? -1 : code, factor, standIn == null ? -1 : standIn, standInFactor);
                position++;
            }
            if (json.nextToken() != null) {
                throw new IllegalArgumentException("something follows the JSON array");
            }
        }
        for (Tick each : ticks.values()) {
            each.extras = each.extraCodes.isEmpty() ? null : String.join("\n", each.extraCodes.keySet());
        }
        return new ArrayList<>(ticks.values());
    }

    /** Raises IllegalArgumentException unless the bytes are UTF-8 and plainly so: Jackson takes more, and UTF-16 as well. */
    private void checkText(byte[] message) {
        for (int i = 0; i < Math.min(4, message.length); i++) {
            if (message[i] == 0) {
                throw new IllegalArgumentException("a null byte at its beginning");
            }
        }
        ByteBuffer bytes = ByteBuffer.wrap(message);
        utf8.reset();
        CoderResult result;
        do {
            decoded.clear();
            result = utf8.decode(bytes, decoded, true);
        } while (result.isOverflow());
        if (result.isError()) {
            throw new IllegalArgumentException("not UTF-8 at byte " + bytes.position());
        }
    }

    private static String key(JsonParser json) throws IOException {
        String key = json.currentName();
        if (key.length() > MAX_KEY) {
            throw new IllegalArgumentException("a key of more than " + MAX_KEY + " characters");
        }
        return key;
    }

    /** Passes over the array or object that has begun. */
    private static void skip(JsonParser json) throws IOException {
        for (int depth = 1; depth > 0; ) {
            JsonToken token = json.nextToken();
            if (token == JsonToken.FIELD_NAME) {
                key(json);
            } else if (token.isNumeric()) {
                checkNumber(json);
            } else if (token.isStructStart()) {
                depth++;
            } else if (token.isStructEnd()) {
                depth--;
            }
        }
    }

    private static void checkNumber(JsonParser json) throws IOException {
        if (json.getTextLength() > Numbers.MAX_LENGTH) {
            throw new IllegalArgumentException("a number of more than " + Numbers.MAX_LENGTH + " characters");
        }
    }

    /** Notes a scalar's place in the message; gives its index, or -1. */
    private int token(JsonParser json, JsonToken token) throws IOException {
        if (token.isNumeric()) {
            checkNumber(json);
        }
        if (!learning) {
            return -1;
        }
        if (token == JsonToken.VALUE_STRING) {
            String text = json.getText();
            boolean word = text.equals("NaN") || text.equals("Infinity") || text.equals("-Infinity");
            if (!word) {
                return -1;
            }
        } else if (!token.isNumeric() && token != JsonToken.VALUE_NULL) {
            return -1;
        }
        int start = (int) json.currentTokenLocation().getByteOffset();
        int length = json.getTextLength() + (token == JsonToken.VALUE_STRING ? 2 : 0);
        tokens.add(new Token(start, start + length, Token.OTHER, 0, 1, -1, 1));
        return tokens.size() - 1;
    }

    private void mark(int at, int kind, int code, double factor, int standIn, double standInFactor) {
        if (at >= 0) {
            Token t = tokens.get(at);
            tokens.set(at, new Token(t.start, t.end, kind, code, factor, standIn, standInFactor));
        }
    }

    private double factor(int code, String unit) {
        if (unit == null || code >= plan.channels.size()) {
            return 1;
        }
        return plan.channels.get(code).factors().getOrDefault(withoutBlanks(unit), 1.0);
    }

    /** Without the spaces around it; no other character is a blank. */
    private static String withoutBlanks(String unit) {
        int from = 0;
        int to = unit.length();
        while (from < to && unit.charAt(from) == ' ') {
            from++;
        }
        while (from < to && unit.charAt(to - 1) == ' ') {
            to--;
        }
        return unit.substring(from, to);
    }

    /** The value in the channel's own unit; NaN where it is not finite. */
    static double canonical(double value, double factor) {
        double canonical = value * factor;
        return Double.isFinite(canonical) ? canonical : Double.NaN;
    }

    /** Microseconds since session start. Raises IllegalArgumentException for what is none. */
    static long micros(double time, int position) {
        if (!Double.isFinite(time) || Math.abs(time) * 1e6 > MAX_SESSION_US) {
            throw new IllegalArgumentException("element " + position + " has Timestamp " + time + ", not seconds since session start");
        }
        return Math.round(time * 1e6);
    }

    private static String text(JsonParser json, JsonToken token, String key, int position) throws IOException {
        if (token != JsonToken.VALUE_STRING || (json.getTextLength() == 0 && !key.equals("ChannelUnit"))) {
            throw new IllegalArgumentException("element " + position + " has a " + key + " that is no text");
        }
        if (json.getTextLength() > MAX_TEXT) {
            throw new IllegalArgumentException("element " + position + " has a " + key + " of more than " + MAX_TEXT + " characters");
        }
        String text = json.getText();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ') {
                throw new IllegalArgumentException("element " + position + " has a control character in its " + key);
            }
            if (Character.isSurrogate(c)
                    && !(Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(++i)))) {
                throw new IllegalArgumentException("element " + position + " has half a character in its " + key);
            }
        }
        return text;
    }

    private double number(byte[] message, JsonParser json, JsonToken token, String key, int position) throws IOException {
        if (token.isNumeric()) {
            checkNumber(json);
            // As a template would read it: Jackson drops the sign of -0.
            numbers.read(message, (int) json.currentTokenLocation().getByteOffset(), message.length);
            return numbers.value;
        }
        if (token == JsonToken.VALUE_STRING) {
            switch (json.getText()) {
                case "NaN":
                    return Double.NaN;
                case "Infinity":
                    return Double.POSITIVE_INFINITY;
                case "-Infinity":
                    return Double.NEGATIVE_INFINITY;
                default:
            }
        }
        throw new IllegalArgumentException("element " + position + " has a " + key + " that is no number");
    }

    /** Session start in microseconds since the epoch, from {@code yyyyMMdd-HHmmss…}, taken as UTC. */
    static long startUs(String session) {
        try {
            if (session.length() < 15 || session.charAt(8) != '-' || (session.length() > 15 && session.charAt(15) != '-')) {
                throw new NumberFormatException();
            }
            LocalDateTime start = LocalDateTime.of(
                    digits(session, 0, 4), digits(session, 4, 6), digits(session, 6, 8),
                    digits(session, 9, 11), digits(session, 11, 13), digits(session, 13, 15));
            if (start.getYear() < FIRST_YEAR || start.getYear() > LAST_YEAR) {
                throw new NumberFormatException();
            }
            return start.toEpochSecond(ZoneOffset.UTC) * 1_000_000;
        } catch (NumberFormatException | DateTimeException e) {
            throw new IllegalArgumentException("SessionId '" + session.substring(0, Math.min(80, session.length()))
                    + "' does not begin with yyyyMMdd-HHmmss, " + FIRST_YEAR + " to " + LAST_YEAR);
        }
    }

    private static int digits(String text, int from, int to) {
        int number = 0;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                throw new NumberFormatException();
            }
            number = number * 10 + (c - '0');
        }
        return number;
    }
}
