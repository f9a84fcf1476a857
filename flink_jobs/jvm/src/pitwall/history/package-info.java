/**
 * The telemetry history: every channel of a session as it came.
 *
 * <p>Takes ticks in order. Gives chunks of about a second of session time, and the rows of the
 * table {@code telemetry_history} for them. Imports bytes, plan, wire and ticks.
 */
package pitwall.history;
