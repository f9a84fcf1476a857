package pitwall.job;

import pitwall.features.SessionFeatures;
import pitwall.history.ChunkOutput;
import pitwall.history.SessionHistory;
import pitwall.plan.Plan;
import pitwall.ticks.Tick;

/**
 * Advances the features and the history of a session by a tick. One object serves all sessions of a
 * task, one after the other.
 */
class SessionRows {
    private final Plan plan;
    private final double[] values;
    private final boolean[] sent;

    /** A value for each feature at the tick that came last, NaN for null. */
    final double[] features;

    SessionRows(Plan plan) {
        this.plan = plan;
        values = new double[plan.channels.size()];
        sent = new boolean[values.length];
        features = new double[plan.features.size()];
    }

    /**
     * Computes the features of the session's next tick. False if they cannot be computed: the
     * session is set aside then, and says why.
     *
     * @param now wall clock, milliseconds
     */
    boolean next(SessionState session, Tick tick, long now, ChunkOutput out) {
        if (session.failure == null) {
            try {
                compute(session, tick);
            } catch (RuntimeException e) {
                session.setAside(e);
            }
        }
        if (session.failure != null) {
            return false;
        }
        addToHistory(session, tick, now, out);
        return true;
    }

    /** Advances the features by the tick. An exception sets the session aside. */
    void compute(SessionState session, Tick tick) {
        if (session.features == null && session.onlyTick == null) {
            tick.spread(values, sent);
            new SessionFeatures(plan).next(tick.timeUs, values, sent, features);
            return;
        }
        if (session.features == null) {
            SessionFeatures begun = new SessionFeatures(plan);
            session.onlyTick.spread(values, sent);
            begun.next(session.onlyTick.timeUs, values, sent, features);
            session.features = begun;
        }
        tick.spread(values, sent);
        session.features.next(tick.timeUs, values, sent, features);
    }

    /** The values of the tick lie in {@link #values} and {@link #sent}. */
    private void addToHistory(SessionState session, Tick tick, long now, ChunkOutput out) {
        if (session.features == null) {
            session.onlyTick = tick;
            session.onlyTickMs = now;
            session.onlyTickInHistory = false;
            return;
        }
        if (session.history == null) {
            session.history = new SessionHistory(plan);
            if (!session.onlyTickInHistory) {
                Tick first = session.onlyTick;
                first.spread(values, sent);
                session.history.add(first, values, sent, session.onlyTickMs, out);
                tick.spread(values, sent);
            }
            session.onlyTick = null;
        }
        session.history.add(tick, values, sent, now, out);
    }

    /** A history of this tick alone. */
    SessionHistory alone(Tick tick) {
        SessionHistory history = new SessionHistory(plan);
        double[] tickValues = new double[values.length];
        boolean[] tickSent = new boolean[values.length];
        tick.spread(tickValues, tickSent);
        history.add(tick, tickValues, tickSent, 0, (times, channels) -> {});
        return history;
    }
}
