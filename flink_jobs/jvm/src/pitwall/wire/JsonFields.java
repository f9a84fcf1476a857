package pitwall.wire;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;

import java.io.IOException;

/**
 * Keys, texts and numbers of a message's elements, within their limits. Methods throw
 * IllegalArgumentException with the reason when a field is bad; {@code position} is the element's
 * index in the message.
 */
final class JsonFields {
    /** Greatest length of an id or a unit in characters (UTF-16). */
    static final int MAX_TEXT = 200;

    /** Greatest length of a key in characters (UTF-16). The parser remembers keys. */
    static final int MAX_KEY = 1000;

    private final NumberReader numbers = new NumberReader();

    static String key(JsonParser json) throws IOException {
        String key = json.currentName();
        if (key.length() > MAX_KEY) {
            throw new IllegalArgumentException("a key has more than " + MAX_KEY + " characters");
        }
        return key;
    }

    /** A text without control characters and without half of a surrogate pair. */
    static String text(JsonParser json, JsonToken token, String key, int position)
            throws IOException {
        if (token != JsonToken.VALUE_STRING
                || (json.getTextLength() == 0 && !key.equals("ChannelUnit"))) {
            throw bad(position, key, "that is not a text");
        }
        if (json.getTextLength() > MAX_TEXT) {
            throw bad(position, key, "of more than " + MAX_TEXT + " characters");
        }
        String text = json.getText();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ') {
                throw bad(position, key, "with a control character");
            }
            if (Character.isSurrogate(c)
                    && !(Character.isHighSurrogate(c)
                            && i + 1 < text.length()
                            && Character.isLowSurrogate(text.charAt(++i)))) {
                throw bad(position, key, "with half a character");
            }
        }
        return text;
    }

    /** A number, or one of the strings that stand for NaN and the infinities. */
    double number(byte[] message, JsonParser json, JsonToken token, String key, int position)
            throws IOException {
        if (token.isNumeric()) {
            checkNumber(json);
            // Read here as a template would read it: Jackson drops the sign of -0.
            int at = (int) json.currentTokenLocation().getByteOffset();
            if (!numbers.read(message, at, message.length)) {
                throw bad(position, key, "that is not a number");
            }
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
        throw bad(position, key, "that is not a number");
    }

    static void checkNumber(JsonParser json) throws IOException {
        if (json.getTextLength() > NumberReader.MAX_LENGTH) {
            throw new IllegalArgumentException(
                    "a number has more than " + NumberReader.MAX_LENGTH + " characters");
        }
    }

    /** Reads past the array or object that has just begun. */
    static void skip(JsonParser json) throws IOException {
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

    private static IllegalArgumentException bad(int position, String key, String fault) {
        return new IllegalArgumentException("element " + position + " has a " + key + " " + fault);
    }
}
