package pitwall.job;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;

/**
 * Watches from a thread of its own whether Kafka can be reached. While it cannot, and while its
 * partitions come back one by one, a silent topic does not mean that the car is silent.
 */
final class KafkaWatch implements AutoCloseable {
    private static final int CONNECT_TIMEOUT_MS = 1000;
    private static final long INTERVAL_MS = 500;

    /** Kafka was never away. */
    static final long NEVER = Long.MIN_VALUE;

    private final String[] servers;
    private final Thread thread;
    private volatile long awayMs;

    /**
     * @param servers host:port separated by commas; empty where there is no Kafka to watch
     * @param wasAway whether Kafka may have been away just before: the job goes on after a failure
     */
    KafkaWatch(String servers, boolean wasAway) {
        this.servers = servers.isEmpty() ? new String[0] : servers.split(",");
        awayMs = wasAway && !servers.isEmpty() ? System.currentTimeMillis() : NEVER;
        thread = new Thread(this::watch, "pitwall-kafka-watch");
        thread.setDaemon(true);
        if (this.servers.length > 0) {
            thread.start();
        }
    }

    /** Wall clock when Kafka was last away, milliseconds, or {@link #NEVER}. */
    long awayMs() {
        return awayMs;
    }

    private void watch() {
        try {
            while (true) {
                if (!isReachable()) {
                    awayMs = System.currentTimeMillis();
                }
                Thread.sleep(INTERVAL_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean isReachable() {
        for (String server : servers) {
            int colon = server.lastIndexOf(':');
            int port = Integer.parseInt(server.substring(colon + 1));
            try (Socket socket = new Socket()) {
                socket.connect(
                        new InetSocketAddress(server.substring(0, colon), port),
                        CONNECT_TIMEOUT_MS);
                return true;
            } catch (IOException e) {
                continue;
            }
        }
        return false;
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
