package pitwall.job;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.OutputTag;

import pitwall.plan.Plan;

/**
 * The feature operator as the simulation runs it. Whether Kafka answers is told here, where the
 * real operator asks it.
 */
public final class OperatorAccess {
    private static final class Simulated extends FeatureOperator {
        private static final long serialVersionUID = 1;

        private transient long awayMs;

        Simulated(Plan plan) {
            super(plan);
        }

        @Override
        long kafkaAwayMs() {
            return awayMs;
        }
    }

    private final Simulated operator;

    /** Whether the job is new, and when it was started: Kafka was not away before that. */
    private final boolean fresh;

    private final long startedMs;

    private OperatorAccess(Plan plan, boolean fresh, long startedMs) {
        operator = new Simulated(plan);
        this.fresh = fresh;
        this.startedMs = startedMs;
        kafkaAway(startedMs);
    }

    /**
     * A new operator of a plan, not open yet.
     *
     * @param fresh whether the job is a new one, and not one that goes on after a failure
     * @param startedMs wall clock, milliseconds
     */
    public static OperatorAccess create(Plan plan, boolean fresh, long startedMs) {
        return new OperatorAccess(plan, fresh, startedMs);
    }

    public OneInputStreamOperator<RowData, RowData> operator() {
        return operator;
    }

    /** Kafka was last away at this time, wall clock in milliseconds. */
    public void kafkaAway(long ms) {
        operator.awayMs = fresh && ms <= startedMs ? KafkaWatch.NEVER : ms;
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
