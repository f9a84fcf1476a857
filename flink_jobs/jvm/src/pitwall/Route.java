package pitwall;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;

/** Lets through the ticks of one view: those of vehicles that no view before it takes, and it does. */
final class Route implements FilterFunction<RowData> {
    private static final int MAX_VEHICLES = 10_000;

    private final List<Plan> plans;
    private final int view;
    private final boolean only;
    private transient Map<StringData, Boolean> known;

    Route(List<Plan> plans, int view) {
        this.plans = plans.subList(0, view + 1).stream().toList();
        this.view = view;
        only = plans.size() == 1;
    }

    @Override
    public boolean filter(RowData row) {
        return row.isNullAt(BadMessages.ERROR) && (only || takes(row.getString(0)));
    }

    private boolean takes(StringData vehicle) {
        if (known == null || known.size() >= MAX_VEHICLES) {
            known = new HashMap<>();
        }
        Boolean mine = known.get(vehicle);
        if (mine == null) {
            int first = 0;
            while (first <= view && !plans.get(first).takes(vehicle.toString())) {
                first++;
            }
            mine = first == view;
            known.put(vehicle, mine);
        }
        return mine;
    }
}
