package pitwall.sinks.parquet;

import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.Path;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.functions.sink.filesystem.BucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.OutputFileConfig;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.SimpleVersionedStringSerializer;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.logical.RowType;

import java.time.LocalDate;
import java.util.Set;

/**
 * The table connector {@code pitwall-offline}: rows with a column {@code event_timestamp} as
 * Parquet files below the option {@code path}, in one folder for each day of event time. A file
 * appears whole, with the checkpoint that covers it.
 */
public final class OfflineSinkFactory implements DynamicTableSinkFactory {
    private static final ConfigOption<String> PATH =
            ConfigOptions.key("path").stringType().noDefaultValue();

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validate();
        RowType type = (RowType) context.getPhysicalRowDataType().getLogicalType();
        return new OfflineTableSink(helper.getOptions().get(PATH), type);
    }

    private record OfflineTableSink(String path, RowType type) implements DynamicTableSink {
        @Override
        public ChangelogMode getChangelogMode(ChangelogMode requested) {
            return ChangelogMode.insertOnly();
        }

        @Override
        public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
            return SinkV2Provider.of(
                    FileSink.forBulkFormat(new Path(path), new ParquetWriterFactory(type))
                            .withBucketAssigner(
                                    new DayFolders(type.getFieldIndex("event_timestamp")))
                            .withOutputFileConfig(
                                    OutputFileConfig.builder()
                                            .withPartPrefix("part")
                                            .withPartSuffix(".parquet")
                                            .build())
                            .build());
        }

        @Override
        public DynamicTableSink copy() {
            return this;
        }

        @Override
        public String asSummaryString() {
            return "Parquet in " + path;
        }
    }

    /** Names the folder of a row: {@code event_date=yyyy-MM-dd}, in UTC. */
    private static final class DayFolders implements BucketAssigner<RowData, String> {
        private static final long DAY_MS = 86_400_000;
        private final int timeField;
        private transient long lastDay;
        private transient String lastFolder;

        DayFolders(int timeField) {
            this.timeField = timeField;
        }

        @Override
        public String getBucketId(RowData row, Context context) {
            long day = Math.floorDiv(row.getTimestamp(timeField, 6).getMillisecond(), DAY_MS);
            if (lastFolder == null || day != lastDay) {
                lastDay = day;
                lastFolder = "event_date=" + LocalDate.ofEpochDay(day);
            }
            return lastFolder;
        }

        @Override
        public SimpleVersionedSerializer<String> getSerializer() {
            return SimpleVersionedStringSerializer.INSTANCE;
        }
    }

    @Override
    public String factoryIdentifier() {
        return "pitwall-offline";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(PATH);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }
}
