package org.apache.flink.metrics.prometheus;

import io.prometheus.client.exporter.HTTPServer;

import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.apache.flink.metrics.reporter.MetricReporterFactory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Properties;

/**
 * Flink's Prometheus reporter on one address, options {@code host} and {@code port}. The reporter
 * that Flink ships listens on all addresses. This class is in Flink's package because the
 * reporter's base class can be used from there only.
 *
 * <p>Opening throws UncheckedIOException if the address is taken.
 */
public final class LoopbackPrometheusFactory implements MetricReporterFactory {
    @Override
    public MetricReporter createMetricReporter(Properties properties) {
        return new LoopbackReporter();
    }

    private static final class LoopbackReporter extends AbstractPrometheusReporter {
        private static final int DEFAULT_PORT = 9249;

        private HTTPServer server;

        @Override
        public void open(MetricConfig config) {
            super.open(config);
            String loopback = InetAddress.getLoopbackAddress().getHostAddress();
            InetSocketAddress address =
                    new InetSocketAddress(
                            config.getString("host", loopback),
                            config.getInteger("port", DEFAULT_PORT));
            try {
                server = new HTTPServer(address, registry, true);
            } catch (IOException e) {
                throw new UncheckedIOException("Flink's metrics cannot be served on " + address, e);
            }
        }

        @Override
        public void close() {
            if (server != null) {
                server.stop();
            }
            super.close();
        }
    }
}
