/**
 * The table connector {@code pitwall-features}: feature rows on a Kafka topic.
 *
 * <p>Takes rows of a feature view. Writes one Kafka record for each of them. Imports bytes and
 * sinks.
 */
package pitwall.sinks.kafka;
