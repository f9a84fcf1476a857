package pitwall.sinks.cassandra;

import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.logical.RowType;

import java.util.Set;

/**
 * The table connector {@code pitwall-cassandra}: one CQL row for each key, written with the event
 * time as write timestamp.
 *
 * <p>The table's primary key is that of Cassandra's table. The column {@code event_timestamp} gives
 * the write timestamp; a column {@code created_timestamp}, if there is one, the age of a live row.
 */
public final class CassandraSinkFactory implements DynamicTableSinkFactory {
    /** Addresses host:port, separated by commas. */
    private static final ConfigOption<String> HOSTS =
            ConfigOptions.key("hosts").stringType().noDefaultValue();

    private static final ConfigOption<String> DATACENTER =
            ConfigOptions.key("datacenter").stringType().defaultValue("datacenter1");
    private static final ConfigOption<String> USER =
            ConfigOptions.key("user").stringType().noDefaultValue();
    private static final ConfigOption<String> PASSWORD_FILE =
            ConfigOptions.key("password-file").stringType().noDefaultValue();
    private static final ConfigOption<String> KEYSPACE =
            ConfigOptions.key("keyspace").stringType().noDefaultValue();
    private static final ConfigOption<String> TABLE =
            ConfigOptions.key("table").stringType().noDefaultValue();
    private static final ConfigOption<String> CONSISTENCY =
            ConfigOptions.key("consistency").stringType().defaultValue("LOCAL_ONE");
    private static final ConfigOption<Boolean> TLS =
            ConfigOptions.key("tls").booleanType().defaultValue(false);
    private static final ConfigOption<String> TLS_CA =
            ConfigOptions.key("tls-ca").stringType().noDefaultValue();
    private static final ConfigOption<String> TLS_CERTIFICATE =
            ConfigOptions.key("tls-certificate").stringType().noDefaultValue();
    private static final ConfigOption<String> TLS_KEY =
            ConfigOptions.key("tls-key").stringType().noDefaultValue();
    private static final ConfigOption<Boolean> TLS_VERIFY_HOST =
            ConfigOptions.key("tls-verify-host").booleanType().defaultValue(true);

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validate();
        ReadableConfig options = helper.getOptions();
        CassandraTls tls =
                options.get(TLS)
                        ? new CassandraTls(
                                options.get(TLS_CA),
                                options.get(TLS_CERTIFICATE),
                                options.get(TLS_KEY),
                                options.get(TLS_VERIFY_HOST))
                        : null;
        CassandraTarget target =
                new CassandraTarget(
                        options.get(HOSTS),
                        options.get(DATACENTER),
                        options.get(USER),
                        options.get(PASSWORD_FILE),
                        options.get(KEYSPACE),
                        options.get(TABLE),
                        options.get(CONSISTENCY),
                        tls);
        RowType type = (RowType) context.getPhysicalRowDataType().getLogicalType();
        int[] key = context.getPrimaryKeyIndexes();
        return new CassandraTableSink(target, type, key);
    }

    private record CassandraTableSink(CassandraTarget target, RowType type, int[] key)
            implements DynamicTableSink {
        @Override
        public ChangelogMode getChangelogMode(ChangelogMode requested) {
            return ChangelogMode.insertOnly();
        }

        @Override
        public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
            return SinkV2Provider.of(new CassandraSink(target, type, key));
        }

        @Override
        public DynamicTableSink copy() {
            return this;
        }

        @Override
        public String asSummaryString() {
            return "Cassandra " + target.keyspace() + "." + target.table();
        }
    }

    @Override
    public String factoryIdentifier() {
        return "pitwall-cassandra";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(HOSTS, USER, PASSWORD_FILE, KEYSPACE, TABLE);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of(
                DATACENTER, CONSISTENCY, TLS, TLS_CA, TLS_CERTIFICATE, TLS_KEY, TLS_VERIFY_HOST);
    }
}
