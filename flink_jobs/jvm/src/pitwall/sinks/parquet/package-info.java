/**
 * The table connector {@code pitwall-offline}: rows as Parquet files, the offline store.
 *
 * <p>Takes rows of a feature view. Writes a folder for each day of event time; Flink's file sink
 * shows a file with the checkpoint that covers it. Imports bytes and sinks.
 */
package pitwall.sinks.parquet;
