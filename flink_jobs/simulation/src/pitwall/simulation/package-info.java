/**
 * Simulates the job by seed: cars, Kafka, the source, the feature operator, sinks, failures and
 * restores, on one thread and in virtual time.
 *
 * <p>Takes worlds in the text form of {@link pitwall.simulation.Choices} and the plans of their
 * definitions. Gives a verdict of each: which promises ({@link pitwall.simulation.Promise}) it
 * broke. Imports {@code plan}, {@code wire}, {@code features} and {@code job}, and Flink's test
 * harness; it is no part of the job's jar.
 *
 * <p>{@link pitwall.simulation.World} draws what exists and what happens, {@link
 * pitwall.simulation.Job} runs it, {@link pitwall.simulation.Judge} compares what came out with
 * what is promised, {@link pitwall.simulation.Shrinker} makes a counterexample small.
 */
package pitwall.simulation;
