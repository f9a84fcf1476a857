/**
 * What the sinks share: fields of Flink's rows as numbers.
 *
 * <p>The sinks themselves are in the packages {@code cassandra}, {@code kafka} and {@code parquet}
 * below, one for each table connector in {@code flink_jobs/features.sql}. They take rows and write
 * them; none of them knows channels, features or the clock, nor another sink. All import bytes.
 */
package pitwall.sinks;
