/**
 * The table connector {@code pitwall-cassandra}: the newest row of each key, in Cassandra.
 *
 * <p>Takes rows with a primary key and an event time. Writes each as one CQL row whose write
 * timestamp is the event time. Imports sinks.
 */
package pitwall.sinks.cassandra;
