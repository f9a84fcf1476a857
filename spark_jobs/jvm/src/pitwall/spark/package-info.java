/**
 * The job {@code history} on Spark: what is between Spark's Kafka connector and its Cassandra
 * connector.
 *
 * <p>Takes Kafka records. Gives rows of the table {@code telemetry_history}, as the Flink job
 * writes them. Imports bytes, plan, wire, ticks, clock and history of {@code flink_jobs/jvm},
 * nothing of Flink's own job.
 */
package pitwall.spark;
