package pitwall;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.util.Collector;

/**
 * From the car's messages to rows (vehicle, session, start_us, t_us, samples, extras, error, raw): one a tick, or one
 * with {@code error} and {@code raw} for a message that cannot be read.
 */
final class CarDeserializer implements DeserializationSchema<RowData> {
    /** What a dead letter holds at most: with it a request stays below the 100 MiB a broker takes. */
    private static final int MAX_RAW = 96 << 20;

    private final Plan plan;
    private final TypeInformation<RowData> type;
    private transient CarReader reader;

    CarDeserializer(Plan plan, TypeInformation<RowData> type) {
        this.plan = plan;
        this.type = type;
    }

    @Override
    public void open(InitializationContext context) {
        reader = new CarReader(plan);
    }

    @Override
    public RowData deserialize(byte[] message) {
        throw new UnsupportedOperationException("one message may hold several ticks");
    }

    @Override
    public void deserialize(byte[] message, Collector<RowData> out) {
        List<CarReader.Tick> ticks = List.of();
        String reason = "empty record";
        try {
            if (message != null) {
                ticks = reader.read(message);
            }
        } catch (IOException | RuntimeException e) {
            reason = CarReader.reason(e);
        }
        for (CarReader.Tick tick : ticks) {
            out.collect(GenericRowData.of(
                    StringData.fromString(tick.vehicle),
                    StringData.fromString(tick.session),
                    tick.startUs,
                    tick.timeUs,
                    tick.samples.take(),
                    StringData.fromString(tick.extras),
                    null,
                    null));
        }
        if (ticks.isEmpty()) {
            byte[] raw = message == null ? new byte[0] : message;
            if (raw.length > MAX_RAW) {
                reason += " (kept are the first " + MAX_RAW + " of " + raw.length + " bytes)";
                raw = Arrays.copyOf(raw, MAX_RAW);
            }
            out.collect(GenericRowData.of(null, null, null, null, null, null, StringData.fromString(reason), raw));
        }
    }

    @Override
    public boolean isEndOfStream(RowData next) {
        return false;
    }

    @Override
    public TypeInformation<RowData> getProducedType() {
        return type;
    }
}
