package pitwall.sinks.parquet;

import org.apache.flink.table.data.RowData;

/** Takes its own fields from each row. */
interface RowPart {
    void add(RowData row);
}
