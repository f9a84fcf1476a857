package pitwall.job;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.OutputTag;

import pitwall.clock.Progress;
import pitwall.plan.Plan;

import java.lang.reflect.Field;

/**
 * The feature operator as the simulation runs it. What the operator asks of the machine, the wall
 * clock at its start and whether Kafka answers, is set here instead.
 *
 * <p>The plan must name {@code ","} as Kafka's addresses: then the operator relies on {@link
 * KafkaWatch}, and that watches nothing by itself.
 */
public final class OperatorAccess {
    private final FeatureOperator function;
    private final OneInputStreamOperator<RowData, RowData> operator;
    private KafkaWatch kafka;
    private Field awayMs;

    private OperatorAccess(FeatureOperator function) {
        this.function = function;
        operator = new KeyedProcessOperator<>(function);
    }

    /** A new operator of a plan, not open yet. */
    public static OperatorAccess create(Plan plan) {
        return new OperatorAccess(new FeatureOperator(plan));
    }

    public OneInputStreamOperator<RowData, RowData> operator() {
        return operator;
    }

    /** Call it after the operator was opened. {@code now}: wall clock, milliseconds. */
    public void opened(long now) {
        try {
            ((Progress) field("progress").get(function)).heldUpMs = now;
            kafka = (KafkaWatch) field("kafka").get(function);
            awayMs = KafkaWatch.class.getDeclaredField("awayMs");
            awayMs.setAccessible(true);
            kafkaAway(now);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the operator has changed; change this class too", e);
        }
    }

    /** Kafka was last away at this time, wall clock in milliseconds. */
    public void kafkaAway(long ms) {
        try {
            awayMs.setLong(kafka, ms);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("the operator has changed; change this class too", e);
        }
    }

    private static Field field(String name) throws NoSuchFieldException {
        Field field = FeatureOperator.class.getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }

    /** The key of a tick. */
    public static KeySelector<RowData, RowData> key() {
        return new SessionKey();
    }

    public static TypeInformation<RowData> keyType() {
        return RowTypes.key();
    }

    /** Whether a side output is that of late ticks. */
    public static boolean isLate(OutputTag<?> tag) {
        return tag.getId().equals(SessionOutputs.LATE.getId());
    }

    /** Whether a side output is that of the telemetry history. */
    public static boolean isHistory(OutputTag<?> tag) {
        return tag.getId().equals(SessionOutputs.HISTORY.getId());
    }
}
