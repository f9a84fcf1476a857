package pitwall.job;

import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import pitwall.plan.Plan;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * The plan that a state was written under. It is part of every checkpoint, so that a job with
 * another plan can read the state. Flink creates it by its public constructor.
 */
public final class SessionStateSnapshot implements TypeSerializerSnapshot<SessionState> {
    /** Goes up with every change of the bytes that {@link SessionState#write} writes. */
    private static final int VERSION = 4;

    private Plan plan;

    public SessionStateSnapshot() {}

    SessionStateSnapshot(Plan plan) {
        this.plan = plan;
    }

    @Override
    public int getCurrentVersion() {
        return VERSION;
    }

    @Override
    public void writeSnapshot(DataOutputView out) throws IOException {
        byte[] json = plan.json.getBytes(StandardCharsets.UTF_8);
        out.writeInt(json.length);
        out.write(json);
    }

    @Override
    public void readSnapshot(int version, DataInputView in, ClassLoader loader) throws IOException {
        if (version != VERSION) {
            throw new IOException(
                    "the checkpoint holds sessions in form "
                            + version
                            + ", this job reads form "
                            + VERSION
                            + ": start the job without the checkpoint; it reads the telemetry that"
                            + " Kafka still has once more");
        }
        byte[] json = new byte[in.readInt()];
        in.readFully(json);
        plan = new Plan(new String(json, StandardCharsets.UTF_8));
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
