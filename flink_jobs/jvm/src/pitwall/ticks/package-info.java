/**
 * Ticks on their way through the job, and the memory of those that left.
 *
 * <p>Takes what the reader found of a tick in one message or in several. Gives whole ticks, and
 * whether a tick that comes again is the same one. Imports bytes, plan and wire.
 */
package pitwall.ticks;
