package pitwall.job;

import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.plan.Plan;

import java.io.IOException;

/** Writes and reads {@link SessionState} under one plan. */
final class SessionStateSerializer extends TypeSerializer<SessionState> {
    private static final int VARIABLE_LENGTH = -1;
    private static final int INITIAL_BYTES = 1 << 12;

    private final Plan plan;

    SessionStateSerializer(Plan plan) {
        this.plan = plan;
    }

    @Override
    public boolean isImmutableType() {
        return false;
    }

    @Override
    public TypeSerializer<SessionState> duplicate() {
        return this;
    }

    @Override
    public SessionState createInstance() {
        return new SessionState(plan, 0);
    }

    @Override
    public SessionState copy(SessionState from) {
        try {
            return from.copy();
        } catch (IOException e) {
            throw new IllegalStateException("the state of a session cannot be copied", e);
        }
    }

    @Override
    public SessionState copy(SessionState from, SessionState reuse) {
        return copy(from);
    }

    @Override
    public int getLength() {
        return VARIABLE_LENGTH;
    }

    @Override
    public void serialize(SessionState state, DataOutputView target) throws IOException {
        // Many small writes: gathered here first, and then written at once.
        DataOutputSerializer out = new DataOutputSerializer(INITIAL_BYTES);
        state.write(out);
        target.write(out.getSharedBuffer(), 0, out.length());
    }

    @Override
    public SessionState deserialize(DataInputView source) throws IOException {
        return SessionState.read(plan, source);
    }

    @Override
    public SessionState deserialize(SessionState reuse, DataInputView source) throws IOException {
        return deserialize(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        SessionState.read(plan, source).write(target);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SessionStateSerializer serializer
                && serializer.plan.json.equals(plan.json);
    }

    @Override
    public int hashCode() {
        return plan.json.hashCode();
    }

    @Override
    public TypeSerializerSnapshot<SessionState> snapshotConfiguration() {
        return new SessionStateSnapshot(plan);
    }
}
