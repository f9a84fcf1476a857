package pitwall.simulation;

import java.util.Locale;

/** What the job promises. A world that breaks one of these is a counterexample. */
enum Promise {
    NO_EXCEPTION("no message and no value ends the job"),
    NOTHING_LOST("every tick that was sent is a row, or was said to be late"),
    NOTHING_TWICE("a tick is one row, after what a failure takes back"),
    RIGHT_VALUES("a row has the features of the ticks that left, in order, bit for bit"),
    ONE_VALUE("all rows of one event time are equal, also those that were taken back"),
    IN_TIME("no tick is late that came within the bounds"),
    NO_RESTART("a session begins anew only when all of it is sent once more"),
    PROMPT("a row follows its record soon, whatever other cars and partitions do"),
    AT_ONCE("a tick in the session's step leaves at once"),
    LETTERS("every message that cannot be read is one dead letter"),
    NEWEST_ONLINE("the online store ends with the row of the newest event time"),
    HISTORY("every tick that was sent is in the telemetry history"),
    OUTLIERS_LEAVE("a huge value has no effect after it has left the window"),
    LITTLE_STATE("sessions of one tick cost little"),
    STATE_RELEASED("of a session that is over only its clock is kept");

    /** The promise in words. */
    final String words;

    Promise(String words) {
        this.words = words;
    }

    String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
