package pitwall.wire;

import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.metrics.Counter;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.util.Collector;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import pitwall.plan.Plan;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * From the car's messages to rows (vehicle, session, start_us, t_us, samples, extras, error, raw):
 * one for each tick, or one with {@code error} and {@code raw} for a message that cannot be read.
 * Flink adds the fields from {@link TelemetryRow#TOPIC} on.
 */
final class CarDeserializer implements DeserializationSchema<RowData> {
    /**
     * Most bytes of a dead letter. They keep the request below the 100 MiB that a broker accepts.
     */
    private static final int MAX_RAW = 96 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(CarDeserializer.class);
    private static final String UNKNOWN_UNIT =
            "vehicle {}, session {}: channel {} is sent in unit '{}', which is not understood for"
                    + " it; it is kept under its name and unit, and no feature is computed from it";

    private final Plan plan;
    private final TypeInformation<RowData> type;
    private transient CarReader reader;

    CarDeserializer(Plan plan, TypeInformation<RowData> type) {
        this.plan = plan;
        this.type = type;
    }

    @Override
    public void open(InitializationContext context) {
        Counter unknownUnits =
                context.getMetricGroup().addGroup("pitwall").counter("unknown_units");
        reader =
                new CarReader(
                        plan,
                        true,
                        (vehicle, session, channel, unit) -> {
                            unknownUnits.inc();
                            LOG.warn(UNKNOWN_UNIT, vehicle, session, channel, unit);
                        });
    }

    @Override
    public RowData deserialize(byte[] message) {
        throw new UnsupportedOperationException("one message may hold several ticks");
    }

    @Override
    public void deserialize(byte[] message, Collector<RowData> out) {
        List<MessageTick> ticks = List.of();
        String reason = "the record has no value";
        try {
            if (message != null) {
                ticks = reader.read(message);
            }
        } catch (IOException | RuntimeException e) {
            reason = CarReader.reason(e);
        }
        for (MessageTick tick : ticks) {
            out.collect(
                    GenericRowData.of(
                            StringData.fromString(tick.vehicle),
                            StringData.fromString(tick.session),
                            tick.startUs,
                            tick.timeUs,
                            tick.samples.toBytes(),
                            StringData.fromString(tick.extras),
                            null,
                            null));
        }
        if (ticks.isEmpty()) {
            out.collect(badMessage(message == null ? new byte[0] : message, reason));
        }
    }

    private static RowData badMessage(byte[] raw, String reason) {
        if (raw.length > MAX_RAW) {
            reason += " (only the first " + MAX_RAW + " of " + raw.length + " bytes are kept)";
            raw = Arrays.copyOf(raw, MAX_RAW);
        }
        StringData error = StringData.fromString(reason);
        return GenericRowData.of(null, null, null, null, null, null, error, raw);
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
