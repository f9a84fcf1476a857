package pitwall.wire;

import pitwall.wire.MessageNumber.Role;

import java.util.Arrays;
import java.util.List;

/** One message, cut at its numbers. A message of the same layout has other numbers only. */
final class MessageTemplate {
    /** Memory of a number: the object, a reference to it, and whether it varies. */
    private static final int NUMBER_BYTES = 56;

    /** Memory of the objects of a template that are there once, and of its place in a bucket. */
    private static final int OBJECT_BYTES = 512;

    private final byte[] text;
    private final MessageNumber[] messageNumbers;

    /** Whether a number may differ. Other numbers are compared as text. */
    private final boolean[] varies;

    private final MessageTick tick;

    private MessageTemplate(byte[] text, MessageNumber[] messageNumbers, MessageTick tick) {
        this.text = text;
        this.messageNumbers = messageNumbers;
        this.tick = tick;
        varies = new boolean[messageNumbers.length];
        for (int i = 0; i < messageNumbers.length; i++) {
            varies[i] = messageNumbers[i].role() != Role.OTHER;
        }
    }

    /**
     * The template of a message that was read in full. Null for a message that cannot serve: one of
     * several sessions or times, or with a channel that has no value.
     */
    static MessageTemplate of(
            byte[] message, List<MessageTick> ticks, List<MessageNumber> messageNumbers) {
        if (ticks.size() != 1) {
            return null;
        }
        NumberReader numbers = new NumberReader();
        int previousEnd = 0;
        for (MessageNumber number : messageNumbers) {
            if (number.start() < previousEnd
                    || !numbers.read(message, number.start(), message.length)
                    || numbers.end != number.end()) {
                return null;
            }
            previousEnd = number.end();
        }
        MessageTemplate template =
                new MessageTemplate(
                        message, messageNumbers.toArray(new MessageNumber[0]), ticks.get(0));
        List<MessageTick> again = template.read(message, numbers);
        boolean same = again != null && again.get(0).samples.sameAs(template.tick.samples);
        return same ? template : null;
    }

    /** About how many bytes of memory it holds. */
    long size() {
        long numberBytes = (long) NUMBER_BYTES * messageNumbers.length;
        return OBJECT_BYTES + text.length + numberBytes + tick.size();
    }

    /**
     * Takes the place of another template of the same layout: from now on what varies there, or
     * differs between the two, varies here. False when the layouts differ.
     */
    boolean absorb(MessageTemplate other) {
        if (other.messageNumbers.length != messageNumbers.length
                || !other.tick.samples.sameCodes(tick.samples)) {
            return false;
        }
        for (int i = 0; i < messageNumbers.length; i++) {
            MessageNumber here = messageNumbers[i];
            MessageNumber there = other.messageNumbers[i];
            varies[i] |=
                    other.varies[i]
                            || !Arrays.equals(
                                    text,
                                    here.start(),
                                    here.end(),
                                    other.text,
                                    there.start(),
                                    there.end());
        }
        return true;
    }

    /** The tick of a message of this layout, or null when the message has another one. */
    List<MessageTick> read(byte[] message, NumberReader numbers) {
        int at = 0;
        int compared = 0;
        int timeStart = -1;
        int timeLength = 0;
        MessageTick out = null;
        for (int i = 0; i < messageNumbers.length; i++) {
            if (!varies[i]) {
                continue;
            }
            MessageNumber number = messageNumbers[i];
            int length = number.start() - compared;
            if (message.length - at < length
                    || !Arrays.equals(text, compared, number.start(), message, at, at + length)) {
                return null;
            }
            at += length;
            compared = number.end();
            if (number.role() == Role.TIME && timeStart >= 0) {
                // One message is one tick: each channel has the same text of the time, and the
                // number must end there.
                if (message.length - at <= timeLength
                        || !Arrays.equals(
                                message,
                                timeStart,
                                timeStart + timeLength,
                                message,
                                at,
                                at + timeLength)
                        || NumberReader.isPart(message[at + timeLength])) {
                    return null;
                }
                at += timeLength;
                continue;
            }
            if (!numbers.read(message, at, message.length)) {
                return null;
            }
            if (number.role() == Role.TIME) {
                timeStart = at;
                timeLength = numbers.end - at;
                out = tickAt(numbers.value, message[at]);
                if (out == null) {
                    return null;
                }
            } else if (number.role() == Role.VALUE) {
                if (out == null) {
                    return null;
                }
                add(numbers.value, number, out.samples);
            }
            at = numbers.end;
        }
        boolean fits =
                out != null
                        && message.length - at == text.length - compared
                        && Arrays.equals(text, compared, text.length, message, at, message.length);
        return fits ? List.of(out) : null;
    }

    /**
     * An empty tick at a time in seconds; null for what is no time. {@code first}: its first byte.
     */
    private MessageTick tickAt(double seconds, byte first) {
        if (first == '"' || first == 'n') {
            return null;
        }
        long timeUs;
        try {
            timeUs = SessionTime.micros(seconds, 0);
        } catch (IllegalArgumentException e) {
            return null;
        }
        MessageTick fresh = new MessageTick(tick.vehicle, tick.session, tick.startUs, timeUs);
        fresh.extras = tick.extras;
        return fresh;
    }

    private static void add(double value, MessageNumber number, Samples samples) {
        if (number.code() >= 0) {
            samples.add(number.code(), Units.canonical(value, number.factor()));
        }
        if (number.standIn() >= 0) {
            samples.add(
                    number.standIn() | Samples.ALIAS,
                    Units.canonical(value, number.standInFactor()));
        }
    }
}
