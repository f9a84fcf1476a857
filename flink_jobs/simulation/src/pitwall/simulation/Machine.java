package pitwall.simulation;

import org.apache.flink.runtime.io.disk.iomanager.IOManager;
import org.apache.flink.runtime.io.disk.iomanager.IOManagerAsync;
import org.apache.flink.runtime.memory.MemoryManager;
import org.apache.flink.runtime.memory.MemoryManagerBuilder;

/** What all tasks of this process share. It is made once: it has threads and folders. */
final class Machine {
    static final IOManager IO = new IOManagerAsync();
    private static final MemoryManager MEMORY = MemoryManagerBuilder.newBuilder().build();

    private Machine() {}

    static MemoryManager memory() {
        return MEMORY;
    }
}
