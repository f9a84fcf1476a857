/**
 * What hangs the other packages together: the Flink operators between the table of messages and the
 * tables of features, and the same computation without Flink for the tests.
 *
 * <p>Takes rows of the table {@code telemetry}. Gives a view of feature rows for each plan, and the
 * views {@code bad_messages}, {@code late_ticks} and {@code history}. May import every package but
 * the sinks, which Flink finds by their names in SQL.
 */
package pitwall.job;
