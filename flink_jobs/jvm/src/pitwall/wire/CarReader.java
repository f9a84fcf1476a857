package pitwall.wire;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.StreamReadConstraints;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.exc.StreamConstraintsException;

import pitwall.plan.Plan;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads one message of the car: a JSON array with one object for each channel. A message is read
 * whole or not at all.
 *
 * <p>The message is UTF-8 (a byte order mark is skipped) and JSON of RFC 8259, within the limits
 * below. A key that comes twice must be right each time; the last one counts. Ids and units hold no
 * control character and no half of a surrogate pair. Whether a message is read does not depend on
 * those before it.
 *
 * <p>A channel of the plan whose unit is not understood is none of the plan: it is kept aside,
 * under its id and unit ({@link Units#aside}). An empty unit is the channel's own.
 *
 * <p>The messages of a session differ in a few numbers only. So after one was read in full, the
 * next ones are compared with it ({@link MessageTemplate}) and only the numbers are read. A message
 * that does not fit is read in full; the result is the same.
 *
 * <p>A reader keeps what it learned and belongs to one thread.
 */
public final class CarReader {
    /**
     * Most channels in one message. With {@link JsonFields#MAX_TEXT} it keeps a tick small enough
     * for one write to Cassandra.
     */
    public static final int MAX_CHANNELS = 10_000;

    /**
     * Most bytes of a message: three times what that many channels need. It bounds the time that
     * one message takes from all others.
     */
    static final int MAX_BYTES = 16 << 20;

    /** Most sessions in one message. A new session costs the job far more than its message. */
    static final int MAX_SESSIONS = 100;

    private static final int MAX_DEPTH = 100;
    private static final int MAX_KNOWN_STARTS = 1000;

    private record MessageSession(String vehicle, String session) {}

    /** What makes a tick one and the same. */
    private record TickKey(MessageSession session, long timeUs) {}

    private final Plan plan;
    private JsonFactory factory = newFactory();
    private final TextCheck textCheck = new TextCheck();
    private final JsonFields fields = new JsonFields();
    private final MessageElement element = new MessageElement();
    private final Map<String, Integer> codes = new HashMap<>();
    private final Map<String, Integer> standIns = new HashMap<>();

    /** Start of the sessions seen last, by id. */
    private final Map<String, Long> startsUs =
            new LinkedHashMap<>() {
                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
                    return size() > MAX_KNOWN_STARTS;
                }
            };

    private final MessageTemplates templates;
    private final UnknownUnits unknownUnits;

    /** The sessions of the message that is being read. */
    private final Set<MessageSession> sessions = new HashSet<>();

    /** The numbers of the message that is being read, in their order. */
    private final List<MessageNumber> numbers = new ArrayList<>();

    /** Whether the message that is being read may become a template. */
    private boolean learning;

    public CarReader(Plan plan) {
        this(plan, true);
    }

    /** Keys are not interned: with a million different ones that takes most of a minute. */
    private static JsonFactory newFactory() {
        return JsonFactory.builder()
                .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                .streamReadConstraints(
                        StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
                .build();
    }

    /** {@code useTemplates}: compare with earlier messages. The result is the same without. */
    public CarReader(Plan plan, boolean useTemplates) {
        this(plan, useTemplates, (vehicle, session, channel, unit) -> {});
    }

    /** {@code listener}: is told of units that are not understood. */
    CarReader(Plan plan, boolean useTemplates, UnknownUnits.Listener listener) {
        this.plan = plan;
        unknownUnits = new UnknownUnits(listener);
        templates = useTemplates ? new MessageTemplates() : null;
        for (int i = 0; i < plan.channels.size(); i++) {
            codes.put(plan.channels.get(i).id(), i);
            for (String alias : plan.channels.get(i).aliases()) {
                standIns.put(alias, i);
            }
        }
    }

    /**
     * The ticks of one message, at least one. Throws IllegalArgumentException or IOException with
     * the reason when the message is bad ({@link #reason}).
     */
    public List<MessageTick> read(byte[] message) throws IOException {
        if (message.length > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "the message has " + message.length + " bytes, more than " + MAX_BYTES);
        }
        List<MessageTick> ticks = templates == null ? null : templates.read(message);
        if (ticks == null) {
            textCheck.check(message);
            try {
                ticks = readInFull(message);
            } catch (StreamConstraintsException e) {
                // The parser keeps keys of earlier messages, and refuses a key where too many of
                // them collide. A new one tells what this message alone is.
                factory = newFactory();
                ticks = readInFull(message);
            }
            if (learning) {
                templates.learn(message, ticks, numbers);
            } else if (templates != null) {
                templates.note(message);
            }
        }
        return ticks;
    }

    /** One line that says why {@link #read} refused a message. */
    public static String reason(Exception refusal) {
        return String.valueOf(refusal.getMessage()).split("\n", 2)[0];
    }

    private List<MessageTick> readInFull(byte[] message) throws IOException {
        Map<TickKey, MessageTick> ticks = new LinkedHashMap<>();
        MessageTick tick = null;
        sessions.clear();
        numbers.clear();
        learning = templates != null && templates.wantsToLearn();
        try (JsonParser json = factory.createParser(message)) {
            if (json.nextToken() != JsonToken.START_ARRAY) {
                throw new IllegalArgumentException("the message is not a JSON array");
            }
            int position = 0;
            while (json.nextToken() != JsonToken.END_ARRAY) {
                if (json.currentToken() != JsonToken.START_OBJECT) {
                    throw new IllegalArgumentException("element " + position + " is not an object");
                }
                if (position == MAX_CHANNELS) {
                    throw new IllegalArgumentException(
                            "more than " + MAX_CHANNELS + " channels in one message");
                }
                readElement(message, json, position);
                element.checkComplete(position);
                tick = tick(ticks, tick, SessionTime.micros(element.time, position));
                addSample(tick);
                position++;
            }
            if (json.nextToken() != null) {
                throw new IllegalArgumentException("something follows the JSON array");
            }
        }
        if (ticks.isEmpty()) {
            throw new IllegalArgumentException("no channel in the message");
        }
        for (MessageTick complete : ticks.values()) {
            complete.close();
        }
        return new ArrayList<>(ticks.values());
    }

    private void readElement(byte[] message, JsonParser json, int position) throws IOException {
        element.clear();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String key = JsonFields.key(json);
            JsonToken token = json.nextToken();
            switch (key) {
                case "VehicleId" -> element.vehicle = JsonFields.text(json, token, key, position);
                case "SessionId" -> element.session = JsonFields.text(json, token, key, position);
                case "ChannelId" -> element.channel = JsonFields.text(json, token, key, position);
                case "ChannelUnit" ->
                        element.unit =
                                token == JsonToken.VALUE_NULL
                                        ? null
                                        : JsonFields.text(json, token, key, position);
                case "Timestamp" -> {
                    element.time = fields.number(message, json, token, key, position);
                    learning &= !element.hasTime;
                    element.hasTime = true;
                    element.timeNumber = note(json, token);
                }
                case "ChannelValue" -> {
                    element.value =
                            token == JsonToken.VALUE_NULL
                                    ? Double.NaN
                                    : fields.number(message, json, token, key, position);
                    element.valueNumber = note(json, token);
                }
                default -> {
                    if (token.isScalarValue()) {
                        note(json, token);
                    } else {
                        JsonFields.skip(json);
                    }
                }
            }
        }
    }

    /**
     * The tick that the element belongs to: {@code last} where it fits, else from {@code ticks}.
     */
    private MessageTick tick(Map<TickKey, MessageTick> ticks, MessageTick last, long timeUs) {
        if (last != null
                && last.timeUs == timeUs
                && last.vehicle.equals(element.vehicle)
                && last.session.equals(element.session)) {
            return last;
        }
        MessageSession session = new MessageSession(element.vehicle, element.session);
        if (sessions.add(session) && sessions.size() > MAX_SESSIONS) {
            throw new IllegalArgumentException(
                    "more than " + MAX_SESSIONS + " sessions in one message");
        }
        long startUs = startsUs.computeIfAbsent(element.session, SessionTime::startUs);
        return ticks.computeIfAbsent(
                new TickKey(session, timeUs),
                key -> new MessageTick(element.vehicle, element.session, startUs, timeUs));
    }

    private void addSample(MessageTick tick) {
        if (element.timeNumber >= 0) {
            numbers.set(element.timeNumber, numbers.get(element.timeNumber).asTime());
        }
        Integer code = codes.get(element.channel);
        Integer standIn = standIns.get(element.channel);
        if (code == null && standIn == null) {
            code = tick.extraCode(element.channel, plan.channels.size());
        }
        double factor = code == null ? 1 : factor(code);
        double standInFactor = standIn == null ? 1 : factor(standIn);
        if (Double.isNaN(factor) || Double.isNaN(standInFactor)) {
            String unit = Units.withoutSpaces(element.unit);
            unknownUnits.note(element.vehicle, element.session, element.channel, unit);
            code = Double.isNaN(factor) ? null : code;
            standIn = Double.isNaN(standInFactor) ? null : standIn;
            if (code == null && standIn == null) {
                String id = Units.aside(element.channel, unit);
                code = tick.extraCode(id, plan.channels.size());
                factor = 1;
            }
        }
        if (code != null) {
            tick.samples.add(code, Units.canonical(element.value, factor));
        }
        if (standIn != null) {
            tick.samples.add(
                    standIn | Samples.ALIAS, Units.canonical(element.value, standInFactor));
        }
        int at = element.valueNumber;
        if (at >= 0) {
            int valueCode = code == null ? -1 : code;
            int valueStandIn = standIn == null ? -1 : standIn;
            MessageNumber number = numbers.get(at);
            numbers.set(at, number.asValue(valueCode, factor, valueStandIn, standInFactor));
        }
    }

    /** The factor to the unit of a channel; NaN where the element's unit is not understood. */
    private double factor(int code) {
        if (element.unit == null || code >= plan.channels.size()) {
            return 1;
        }
        String unit = Units.withoutSpaces(element.unit);
        double unknown = unit.isEmpty() ? 1 : Double.NaN;
        return plan.channels.get(code).factors().getOrDefault(unit, unknown);
    }

    /** Notes where a number stands in the message. Gives its index among the numbers, or -1. */
    private int note(JsonParser json, JsonToken token) throws IOException {
        if (token.isNumeric()) {
            JsonFields.checkNumber(json);
        }
        if (!learning) {
            return MessageElement.NOT_NOTED;
        }
        if (token == JsonToken.VALUE_STRING) {
            String text = json.getText();
            if (!text.equals("NaN") && !text.equals("Infinity") && !text.equals("-Infinity")) {
                return MessageElement.NOT_NOTED;
            }
        } else if (!token.isNumeric() && token != JsonToken.VALUE_NULL) {
            return MessageElement.NOT_NOTED;
        }
        int start = (int) json.currentTokenLocation().getByteOffset();
        int quotes = token == JsonToken.VALUE_STRING ? 2 : 0;
        numbers.add(MessageNumber.other(start, start + json.getTextLength() + quotes));
        return numbers.size() - 1;
    }
}
