/**
 * The features of one session: windows, laps and the value of each feature.
 *
 * <p>Takes the ticks of a session in order, as a value for each channel. Gives a value for each
 * feature of the plan. All arithmetic is in a fixed order, so the same session gives the same bits.
 * Imports bytes and plan.
 */
package pitwall.features;
