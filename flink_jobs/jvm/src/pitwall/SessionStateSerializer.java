package pitwall;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;

/** Writes {@link SessionState}; the plan goes into the snapshot, so that restored state knows its layout. */
public final class SessionStateSerializer extends TypeSerializer<SessionState> {
    private final Plan plan;

    public SessionStateSerializer(Plan plan) {
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
            DataOutputSerializer out = new DataOutputSerializer(1 << 16);
            from.write(out);
            return SessionState.read(from.plan, new DataInputDeserializer(out.getSharedBuffer(), 0, out.length()));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public SessionState copy(SessionState from, SessionState reuse) {
        return copy(from);
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public void serialize(SessionState state, DataOutputView target) throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(1 << 17);
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
        return other instanceof SessionStateSerializer s && s.plan.json.equals(plan.json);
    }

    @Override
    public int hashCode() {
        return plan.json.hashCode();
    }

    @Override
    public TypeSerializerSnapshot<SessionState> snapshotConfiguration() {
        return new Snapshot(plan);
    }

    /** Carries the plan. */
    public static final class Snapshot implements TypeSerializerSnapshot<SessionState> {
        private Plan plan;

        public Snapshot() {}

        Snapshot(Plan plan) {
            this.plan = plan;
        }

        @Override
        public int getCurrentVersion() {
            return 1;
        }

        @Override
        public void writeSnapshot(DataOutputView out) throws IOException {
            byte[] json = plan.json.getBytes(java.nio.charset.StandardCharsets.UTF_8);
            out.writeInt(json.length);
            out.write(json);
        }

        @Override
        public void readSnapshot(int version, DataInputView in, ClassLoader loader) throws IOException {
            byte[] json = new byte[in.readInt()];
            in.readFully(json);
            plan = new Plan(new String(json, java.nio.charset.StandardCharsets.UTF_8));
        }

        @Override
        public TypeSerializer<SessionState> restoreSerializer() {
            return new SessionStateSerializer(plan);
        }

        @Override
        public TypeSerializerSchemaCompatibility<SessionState> resolveSchemaCompatibility(
                TypeSerializerSnapshot<SessionState> old) {
            return TypeSerializerSchemaCompatibility.compatibleAsIs();
        }
    }
}
