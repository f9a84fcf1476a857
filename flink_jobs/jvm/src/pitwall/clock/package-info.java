/**
 * The session clock: puts the ticks of one session in order, whatever way they arrived.
 *
 * <p>Takes the parts of ticks that messages carry, and how far Kafka has been read. Gives each tick
 * once, in order, and names those that are late or duplicates. It knows no wall clock but the one
 * it is told. Imports bytes, plan, wire and ticks.
 */
package pitwall.clock;
