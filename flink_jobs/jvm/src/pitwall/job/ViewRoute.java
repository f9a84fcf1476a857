package pitwall.job;

import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;

import pitwall.plan.Plan;
import pitwall.wire.TelemetryRow;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Lets the ticks of one view pass: those of vehicles that this view takes and none before it. */
final class ViewRoute implements FilterFunction<RowData> {
    private static final int MAX_VEHICLES = 10_000;

    private final List<Plan> plans;
    private final int view;
    private final boolean only;
    private transient Map<StringData, Boolean> routed;

    /** {@code view}: index of the view among the plans. */
    ViewRoute(List<Plan> plans, int view) {
        this.plans = plans.subList(0, view + 1).stream().toList();
        this.view = view;
        only = plans.size() == 1;
    }

    @Override
    public boolean filter(RowData row) {
        return row.isNullAt(TelemetryRow.ERROR)
                && (only || takes(row.getString(TelemetryRow.VEHICLE)));
    }

    private boolean takes(StringData vehicle) {
        if (routed == null || routed.size() >= MAX_VEHICLES) {
            routed = new HashMap<>();
        }
        Boolean here = routed.get(vehicle);
        if (here == null) {
            int first = 0;
            while (first <= view && !plans.get(first).takes(vehicle.toString())) {
                first++;
            }
            here = first == view;
            routed.put(vehicle, here);
        }
        return here;
    }
}
