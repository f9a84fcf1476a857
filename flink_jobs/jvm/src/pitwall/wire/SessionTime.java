package pitwall.wire;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/** Times in a message: when its session began, and seconds since then. */
final class SessionTime {
    private static final int FIRST_YEAR = 1970;
    private static final int LAST_YEAR = 2199;
    private static final long MAX_SESSION_US = 366L * 86400 * 1_000_000;

    private SessionTime() {}

    /**
     * Microseconds since session start, from seconds. {@code position}: the element's index in the
     * message. Throws IllegalArgumentException if it is not finite or more than a year.
     */
    static long micros(double seconds, int position) {
        if (!Double.isFinite(seconds) || Math.abs(seconds) * 1e6 > MAX_SESSION_US) {
            throw new IllegalArgumentException(
                    "element "
                            + position
                            + " has Timestamp "
                            + seconds
                            + ", which is not a number of seconds since session start");
        }
        return Math.round(seconds * 1e6);
    }

    /**
     * Session start in microseconds since the epoch, from a session id {@code yyyyMMdd-HHmmss…},
     * taken as UTC. Throws IllegalArgumentException if the id does not begin so.
     */
    static long startUs(String session) {
        try {
            if (session.length() < 15
                    || session.charAt(8) != '-'
                    || (session.length() > 15 && session.charAt(15) != '-')) {
                throw new NumberFormatException();
            }
            LocalDateTime start =
                    LocalDateTime.of(
                            digits(session, 0, 4),
                            digits(session, 4, 6),
                            digits(session, 6, 8),
                            digits(session, 9, 11),
                            digits(session, 11, 13),
                            digits(session, 13, 15));
            if (start.getYear() < FIRST_YEAR || start.getYear() > LAST_YEAR) {
                throw new NumberFormatException();
            }
            return start.toEpochSecond(ZoneOffset.UTC) * 1_000_000;
        } catch (NumberFormatException | DateTimeException e) {
            throw new IllegalArgumentException(
                    "SessionId '"
                            + session.substring(0, Math.min(80, session.length()))
                            + "' does not begin with yyyyMMdd-HHmmss of the years "
                            + FIRST_YEAR
                            + " to "
                            + LAST_YEAR);
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
