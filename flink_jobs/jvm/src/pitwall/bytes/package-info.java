/**
 * Numbers and text as bytes, the base of all other packages.
 *
 * <p>Takes and gives arrays and Flink's state streams. Imports no other package of ours.
 *
 * <p>All packages, from the bottom: bytes, plan, wire, clock, features, history, sinks, job. A
 * package imports only those before it.
 */
package pitwall.bytes;
