/**
 * Maths channels: formulas over the channels of a tick. Takes the steps of a plan's formulas, which
 * {@code pitwall.features.maths} makes of their text, and gives their values at each tick, with
 * what they keep between two ticks. The formulas are compiled once for each plan. Imports {@code
 * bytes} and {@code plan}.
 */
package pitwall.maths;
