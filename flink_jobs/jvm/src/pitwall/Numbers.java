package pitwall;

import ch.randelshofer.fastdoubleparser.JavaDoubleParser;

/** Reads one JSON number, or one of the strings that stand for what JSON cannot say, as {@code Double.parseDouble} would. */
final class Numbers {
    private static final double[] TENS = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
    };
    private static final byte[][] WORDS = {
        "\"NaN\"".getBytes(), "\"Infinity\"".getBytes(), "\"-Infinity\"".getBytes(), "null".getBytes()
    };
    private static final double[] MEANINGS = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN};

    /** Characters of a number. Jackson's own bound, of digits only, lies beyond. */
    static final int MAX_LENGTH = 1000;

    /** The value read last. */
    double value;

    /** Position behind it. */
    int end;

    /** Whether a value begins at {@code at}. Leading zeros, a bare point, a plus sign are no JSON and are refused. */
    boolean read(byte[] text, int at, int limit) {
        if (at >= limit) {
            return false;
        }
        byte first = text[at];
        if (first == '"' || first == 'n') {
            return word(text, at, limit);
        }
        int i = first == '-' ? at + 1 : at;
        int whole = i;
        long mantissa = 0;
        int digit;
        while (i < limit && (digit = text[i] - '0') >= 0 && digit <= 9) {
            mantissa = mantissa * 10 + digit;
            i++;
        }
        int digits = i - whole;
        if (digits == 0 || (digits > 1 && text[whole] == '0')) {
            return false;
        }
        int exponent = 0;
        if (i < limit && text[i] == '.') {
            int point = ++i;
            while (i < limit && (digit = text[i] - '0') >= 0 && digit <= 9) {
                mantissa = mantissa * 10 + digit;
                i++;
            }
            if (i == point) {
                return false;
            }
            exponent = point - i;
            digits += i - point;
        }
        if (i < limit && (text[i] | 0x20) == 'e') {
            i++;
            boolean minus = i < limit && text[i] == '-';
            if (minus || (i < limit && text[i] == '+')) {
                i++;
            }
            int from = i;
            int power = 0;
            while (i < limit && (digit = text[i] - '0') >= 0 && digit <= 9) {
                power = Math.min(power * 10 + digit, 99999);
                i++;
            }
            if (i == from) {
                return false;
            }
            exponent += minus ? -power : power;
        }
        if (i - at > MAX_LENGTH) {
            return false;
        }
        end = i;
        if (digits <= 18 && mantissa <= 1L << 53 && exponent >= -22 && exponent <= 22) {
            double exact = exponent < 0 ? mantissa / TENS[-exponent] : mantissa * TENS[exponent];
            value = first == '-' ? -exact : exact;
        } else {
            value = JavaDoubleParser.parseDouble(text, at, i - at);
        }
        return true;
    }

    private boolean word(byte[] text, int at, int limit) {
        for (int w = 0; w < WORDS.length; w++) {
            byte[] word = WORDS[w];
            if (limit - at >= word.length && java.util.Arrays.equals(text, at, at + word.length, word, 0, word.length)) {
                value = MEANINGS[w];
                end = at + word.length;
                return true;
            }
        }
        return false;
    }
}
