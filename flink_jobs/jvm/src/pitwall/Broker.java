package pitwall;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;

/** Looks after Kafka: while it cannot be reached, and while its partitions come back one by one, silence says nothing about the car. */
final class Broker implements AutoCloseable {
    private static final int PATIENCE_MS = 1000;
    private static final long EVERY_MS = 500;

    private final String[] servers;
    private final Thread watch;
    private volatile long awayMs;

    /** {@code servers}: host:port, separated by commas; empty where there is no Kafka to ask. */
    Broker(String servers) {
        this.servers = servers.isEmpty() ? new String[0] : servers.split(",");
        awayMs = System.currentTimeMillis();
        watch = new Thread(this::watch, "pitwall-broker");
        watch.setDaemon(true);
        if (this.servers.length > 0) {
            watch.start();
        }
    }

    /** Wall clock when Kafka was away last; at first, when the watch began. */
    long awayMs() {
        return awayMs;
    }

    private void watch() {
        try {
            while (true) {
                if (!answers()) {
                    awayMs = System.currentTimeMillis();
                }
                Thread.sleep(EVERY_MS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean answers() {
        for (String server : servers) {
            int colon = server.lastIndexOf(':');
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(server.substring(0, colon), Integer.parseInt(server.substring(colon + 1))), PATIENCE_MS);
                return true;
            } catch (IOException e) {
                continue;
            }
        }
        return false;
    }

    @Override
    public void close() {
        watch.interrupt();
    }
}
