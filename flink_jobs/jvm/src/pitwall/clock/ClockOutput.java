package pitwall.clock;

import pitwall.ticks.Tick;

import java.io.IOException;

/** Receives what a session clock decides about ticks. */
public interface ClockOutput {
    /** The next tick in order. */
    void tick(Tick tick) throws IOException;

    /** A tick that came after a later one had left. */
    void late(Tick tick) throws IOException;

    /** A tick that left before, with the same channels. */
    void duplicate(Tick tick);

    /** The session begins anew; the ticks that follow are those of its new beginning. */
    void restart() throws IOException;
}
