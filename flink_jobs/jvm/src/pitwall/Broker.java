package pitwall;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;

/** Whether Kafka can be reached: while it cannot, silence says nothing about the car. */
final class Broker {
    private static final int PATIENCE_MS = 200;
    private static final long KEEP_MS = 500;

    private final String servers;
    private long askedMs;
    private boolean answers = true;

    /** {@code servers}: host:port, separated by commas; empty where there is no Kafka to ask. */
    Broker(String servers) {
        this.servers = servers;
    }

    boolean answers(long now) {
        if (now >= askedMs + KEEP_MS && !servers.isEmpty()) {
            askedMs = now;
            answers = false;
            for (String server : servers.split(",")) {
                int colon = server.lastIndexOf(':');
                try (Socket socket = new Socket()) {
                    socket.connect(
                            new InetSocketAddress(server.substring(0, colon), Integer.parseInt(server.substring(colon + 1))), PATIENCE_MS);
                    answers = true;
                    break;
                } catch (IOException e) {
                    continue;
                }
            }
        }
        return answers;
    }
}
