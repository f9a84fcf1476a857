package pitwall.sinks.cassandra;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;

import java.io.IOException;
import java.io.Serializable;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration INIT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration FIRST_RECONNECTION = Duration.ofMillis(500);
    private static final Duration LAST_RECONNECTION = Duration.ofSeconds(5);

    /**
     * Connects. Blocks until Cassandra answers; the driver tries again by itself. Throws
     * IOException if the password or a TLS file cannot be read.
     */
    CqlSession connect() throws IOException {
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
        DriverConfigLoader options =
                DriverConfigLoader.programmaticBuilder(loader)
                        .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, REQUEST_TIMEOUT)
                        .withString(DefaultDriverOption.REQUEST_CONSISTENCY, consistency)
                        .withDuration(
                                DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, INIT_TIMEOUT)
                        .withBoolean(DefaultDriverOption.RECONNECT_ON_INIT, true)
                        .withDuration(
                                DefaultDriverOption.RECONNECTION_BASE_DELAY, FIRST_RECONNECTION)
                        .withDuration(DefaultDriverOption.RECONNECTION_MAX_DELAY, LAST_RECONNECTION)
                        .build();
        return builder.withClassLoader(loader)
                .withLocalDatacenter(datacenter)
                .withAuthCredentials(user, Files.readString(Path.of(passwordFile)).strip())
                .withConfigLoader(options)
                .build();
    }

    /** Prepares the insert of these columns; the write timestamp (µs) is the last parameter. */
    PreparedStatement prepareInsert(CqlSession session, List<String> columns) {
        String names = columns.stream().map(c -> '"' + c + '"').collect(Collectors.joining(", "));
        String marks = columns.stream().map(c -> "?").collect(Collectors.joining(", "));
        return session.prepare(
                "INSERT INTO "
                        + keyspace
                        + ".\""
                        + table
                        + "\" ("
                        + names
                        + ") VALUES ("
                        + marks
                        + ") USING TIMESTAMP ?");
    }
}
