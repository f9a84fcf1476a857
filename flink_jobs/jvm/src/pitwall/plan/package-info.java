/**
 * What the job reads and computes: the plan that Python renders from the feature definitions.
 *
 * <p>Takes the plan's JSON. Gives its channels, its features and what each kind of feature needs.
 * Imports nothing of ours.
 */
package pitwall.plan;
