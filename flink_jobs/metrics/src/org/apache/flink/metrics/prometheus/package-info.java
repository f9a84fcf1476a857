/**
 * An addition to Flink's Prometheus plugin, in its package because its base class is not public.
 *
 * <p>Takes Flink's metrics. Serves them on one address. Imports nothing of ours.
 */
package org.apache.flink.metrics.prometheus;
