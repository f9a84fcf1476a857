package pitwall.sinks.cassandra;

import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.Serializable;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/**
 * The Cassandra table to write, and how to reach it.
 *
 * @param hosts addresses host:port, separated by commas
 * @param passwordFile path of a file with the user's password in it
 * @param consistency name of CQL's consistency level for a write
 * @param tls null for a connection in clear text
 */
record CassandraTarget(
        String hosts,
        String datacenter,
        String user,
        String passwordFile,
        String keyspace,
        String table,
        String consistency,
        CassandraTls tls)
        implements Serializable {
    private static final Logger LOG = LoggerFactory.getLogger(CassandraTarget.class);
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration INIT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration FIRST_RECONNECTION = Duration.ofMillis(500);
    private static final Duration LAST_RECONNECTION = Duration.ofSeconds(5);
    private static final long CONNECT_AGAIN_MS = 1000;
    private static final long CLOSE_MS = 5000;

    /**
     * Connects. Blocks until Cassandra answers. An interrupt ends that at once; the attempt that is
     * under way then ends within seconds in the driver's threads, and nothing of it stays.
     *
     * <p>Throws IOException if the password or a TLS file cannot be read, or if the driver does not
     * accept the options.
     */
    CqlSession connect() throws IOException, InterruptedException {
        while (true) {
            CqlSessionBuilder builder = builder();
            // Netty's timer, which the driver starts, swallows an interrupt: not in this thread.
            CompletableFuture<CqlSession> session =
                    CompletableFuture.supplyAsync(builder::buildAsync).thenCompose(s -> s);
            try {
                return session.get();
            } catch (InterruptedException e) {
                session.thenAccept(CqlSession::forceCloseAsync);
                throw e;
            } catch (ExecutionException e) {
                // The driver's own attempts to connect again would never end once begun.
                if (!(e.getCause() instanceof AllNodesFailedException)) {
                    throw new IOException("no session with Cassandra at " + hosts, e.getCause());
                }
            }
            Thread.sleep(CONNECT_AGAIN_MS);
        }
    }

    private CqlSessionBuilder builder() throws IOException {
        ClassLoader loader = CassandraTarget.class.getClassLoader();
        CqlSessionBuilder builder = CqlSession.builder();
        for (String host : hosts.split(",")) {
            int colon = host.lastIndexOf(':');
            int port = Integer.parseInt(host.substring(colon + 1));
            builder.addContactPoint(new InetSocketAddress(host.substring(0, colon), port));
        }
        if (tls != null) {
            builder.withSslEngineFactory(tls.engines());
        }
        return builder.withClassLoader(loader)
                .withLocalDatacenter(datacenter)
                .withAuthCredentials(user, Files.readString(Path.of(passwordFile)).strip())
                .withConfigLoader(options(loader));
    }

    private DriverConfigLoader options(ClassLoader loader) {
        return DriverConfigLoader.programmaticBuilder(loader)
                .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, REQUEST_TIMEOUT)
                .withString(DefaultDriverOption.REQUEST_CONSISTENCY, consistency)
                .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, INIT_TIMEOUT)
                .withDuration(DefaultDriverOption.RECONNECTION_BASE_DELAY, FIRST_RECONNECTION)
                .withDuration(DefaultDriverOption.RECONNECTION_MAX_DELAY, LAST_RECONNECTION)
                .withInt(DefaultDriverOption.NETTY_IO_SHUTDOWN_QUIET_PERIOD, 0)
                .withInt(DefaultDriverOption.NETTY_ADMIN_SHUTDOWN_QUIET_PERIOD, 0)
                .build();
    }

    /**
     * Prepares the insert of these columns; the write timestamp (µs) is the last parameter. Throws
     * IOException if Cassandra refuses it, for instance because there is no such table.
     */
    PreparedStatement prepareInsert(CqlSession session, List<String> columns)
            throws IOException, InterruptedException {
        String names = columns.stream().map(c -> '"' + c + '"').collect(Collectors.joining(", "));
        String marks = columns.stream().map(c -> "?").collect(Collectors.joining(", "));
        CompletionStage<PreparedStatement> insert =
                session.prepareAsync(
                        "INSERT INTO "
                                + keyspace
                                + ".\""
                                + table
                                + "\" ("
                                + names
                                + ") VALUES ("
                                + marks
                                + ") USING TIMESTAMP ?");
        try {
            return insert.toCompletableFuture().get();
        } catch (ExecutionException e) {
            throw new IOException(
                    "rows cannot be inserted into " + keyspace + "." + table, e.getCause());
        }
    }

    /**
     * Closes a session with its connections and threads. Blocks until they have ended, or for
     * {@link #CLOSE_MS}. What is being written is given up.
     */
    static void close(CqlSession session) throws InterruptedException {
        try {
            session.forceCloseAsync().toCompletableFuture().get(CLOSE_MS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn("the session with Cassandra has not ended in {} ms", CLOSE_MS, e);
        }
    }
}
