package org.apache.flink.metrics.prometheus;

import io.prometheus.client.exporter.HTTPServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Properties;
import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.apache.flink.metrics.reporter.MetricReporterFactory;

/** Flink's Prometheus reporter on one address ({@code host}, {@code port}); the shipped one listens on all of them. */
public final class LoopbackPrometheusFactory implements MetricReporterFactory {
    @Override
    public MetricReporter createMetricReporter(Properties properties) {
        return new Reporter();
    }

    private static final class Reporter extends AbstractPrometheusReporter {
        private HTTPServer server;

        @Override
        public void open(MetricConfig config) {
            super.open(config);
            InetSocketAddress address = new InetSocketAddress(
                    config.getString("host", InetAddress.getLoopbackAddress().getHostAddress()), config.getInteger("port", 9249));
            try {
                server = new HTTPServer(address, registry, true);
            } catch (IOException e) {
                throw new UncheckedIOException("metrics cannot be served on " + address, e);
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
