package pitwall.job;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/**
 * Watches from a thread of its own whether Kafka can be reached. While it cannot, and while its
 * partitions come back one by one, a silent topic does not mean that the car is silent.
 */
final class KafkaWatch implements AutoCloseable {
    private static final int CONNECT_TIMEOUT_MS = 1000;
    private static final long INTERVAL_MS = 500;

    /** Kafka was never away. */
    static final long NEVER = Long.MIN_VALUE;

    private final List<Address> servers;
    private final Thread thread;
    private volatile long awayMs;

    private record Address(String host, int port) {}

    /**
     * Throws IllegalArgumentException for a server that is not host:port.
     *
     * @param servers host:port separated by commas; empty where there is no Kafka to watch
     * @param wasAway whether Kafka may have been away just before: the job goes on after a failure
     */
    KafkaWatch(String servers, boolean wasAway) {
        this.servers = addresses(servers);
        awayMs = wasAway && !this.servers.isEmpty() ? System.currentTimeMillis() : NEVER;
        thread = new Thread(this::watch, "pitwall-kafka-watch");
        thread.setDaemon(true);
        if (!this.servers.isEmpty()) {
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

    private static List<Address> addresses(String servers) {
        List<Address> addresses = new ArrayList<>();
        for (String server : servers.isBlank() ? new String[0] : servers.split(",")) {
            String address = server.strip();
            int colon = address.lastIndexOf(':');
            try {
                int port = Integer.parseInt(address.substring(colon + 1));
                addresses.add(new Address(address.substring(0, Math.max(colon, 0)), port));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(
                        "bootstrap server '" + address + "' has no port; write host:port", e);
            }
        }
        return addresses;
    }

    private boolean isReachable() {
        for (Address server : servers) {
            try (Socket socket = new Socket()) {
                socket.connect(
                        new InetSocketAddress(server.host(), server.port()), CONNECT_TIMEOUT_MS);
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
