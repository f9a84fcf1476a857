package pitwall.sinks.parquet;

import org.apache.flink.table.data.RowData;

import pitwall.bytes.LittleEndian;
import pitwall.sinks.RowFields;

import java.util.List;

/**
 * Gathers the doubles of a few rows and then moves them to their columns together. Moving them row
 * by row would touch one cache line for each value.
 */
final class DoubleTiles implements RowPart {
    private static final int TILE_ROWS = 32;

    private final int[] fields;
    private final DoubleColumn[] columns;

    /** The doubles of up to {@link #TILE_ROWS} rows, row by row. */
    private final byte[] tile;

    private int rows;

    /** {@code fields}: the row's field for each of the columns. */
    DoubleTiles(List<Integer> fields, List<DoubleColumn> columns) {
        this.fields = fields.stream().mapToInt(Integer::intValue).toArray();
        this.columns = columns.toArray(new DoubleColumn[0]);
        tile = new byte[8 * TILE_ROWS * this.fields.length];
    }

    @Override
    public void add(RowData row) {
        // Neighbouring fields are copied together; in a feature row all doubles are neighbours.
        for (int i = 0; i < fields.length; ) {
            int next = i + 1;
            while (next < fields.length && fields[next] == fields[next - 1] + 1) {
                next++;
            }
            RowFields.doubles(row, fields[i], next - i, tile, 8 * (rows * fields.length + i));
            i = next;
        }
        if (++rows == TILE_ROWS) {
            spread();
        }
    }

    /** Moves what was gathered to the columns. */
    void spread() {
        for (int c = 0; c < columns.length; c++) {
            DoubleColumn column = columns[c];
            column.ensureRoom(8 * rows);
            byte[] to = column.plain;
            int at = column.length;
            int from = 8 * c;
            for (int row = 0; row < rows; row++) {
                LittleEndian.LONG.set(to, at, (long) LittleEndian.LONG.get(tile, from));
                from += 8 * columns.length;
                at += 8;
            }
            column.length = at;
        }
        rows = 0;
    }
}
