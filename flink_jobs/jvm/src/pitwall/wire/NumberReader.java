package pitwall.wire;

import ch.randelshofer.fastdoubleparser.JavaDoubleParser;

import java.util.Arrays;

/**
 * Reads one JSON number as {@code Double.parseDouble} would. It also reads the strings {@code
 * "NaN"}, {@code "Infinity"} and {@code "-Infinity"}, which JSON has no numbers for, and null as
 * NaN.
 */
final class NumberReader {
    private static final double[] TENS = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22
    };
    private static final byte[][] WORDS = {
        "\"NaN\"".getBytes(),
        "\"Infinity\"".getBytes(),
        "\"-Infinity\"".getBytes(),
        "null".getBytes()
    };
    private static final double[] WORD_VALUES = {
        Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN
    };

    /**
     * Greatest length of a number in characters. Jackson's own limit, of digits only, is higher.
     */
    static final int MAX_LENGTH = 1000;

    /** The value that was read last. */
    double value;

    /** First byte after that value. */
    int end;

    /**
     * Reads the value that begins at byte {@code at}. False when there is none before {@code
     * limit}. Numbers with a leading zero, a bare point or a plus sign are not JSON and count as
     * none.
     */
    boolean read(byte[] text, int at, int limit) {
        if (at >= limit) {
            return false;
        }
        byte first = text[at];
        if (first == '"' || first == 'n') {
            return word(text, at, limit);
        }
        int i = first == '-' ? at + 1 : at;
        int firstDigit = i;
        long mantissa = 0;
        int digit;
        while (i < limit && (digit = text[i] - '0') >= 0 && digit <= 9) {
            mantissa = mantissa * 10 + digit;
            i++;
        }
        int digits = i - firstDigit;
        if (digits == 0 || (digits > 1 && text[firstDigit] == '0')) {
            return false;
        }
        int exponent = 0;
        if (i < limit && text[i] == '.') {
            int firstDecimal = ++i;
            while (i < limit && (digit = text[i] - '0') >= 0 && digit <= 9) {
                mantissa = mantissa * 10 + digit;
                i++;
            }
            if (i == firstDecimal) {
                return false;
            }
            exponent = firstDecimal - i;
            digits += i - firstDecimal;
        }
        if (i < limit && (text[i] | 0x20) == 'e') {
            i++;
            boolean negative = i < limit && text[i] == '-';
            if (negative || (i < limit && text[i] == '+')) {
                i++;
            }
            int firstPower = i;
            int power = 0;
            while (i < limit && (digit = text[i] - '0') >= 0 && digit <= 9) {
                power = Math.min(power * 10 + digit, 99999);
                i++;
            }
            if (i == firstPower) {
                return false;
            }
            exponent += negative ? -power : power;
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

    /** Whether this byte may be part of a JSON number. */
    static boolean isPart(byte b) {
        return (b >= '0' && b <= '9') || b == '.' || b == 'e' || b == 'E' || b == '+' || b == '-';
    }

    private boolean word(byte[] text, int at, int limit) {
        for (int w = 0; w < WORDS.length; w++) {
            byte[] word = WORDS[w];
            if (limit - at >= word.length
                    && Arrays.equals(text, at, at + word.length, word, 0, word.length)) {
                value = WORD_VALUES[w];
                end = at + word.length;
                return true;
            }
        }
        return false;
    }
}
