/**
 * The car's messages: reading them, and writing a late tick as such a message again.
 *
 * <p>Takes the bytes of one Kafka record. Gives the ticks in it as rows ({@link
 * pitwall.wire.TelemetryRow}), or the reason why the message cannot be read. This package also
 * registers the table format {@code pitwall-car}. Imports bytes and plan.
 */
package pitwall.wire;
