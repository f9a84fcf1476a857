package pitwall.simulation;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Estimates how many bytes objects take on the heap, by following their fields. Definitions, which
 * all sessions share, do not count. The process must open {@code java.base} to reflection.
 */
final class HeapWalk {
    private static final int HEADER = 16;
    private static final int REFERENCE = 4;
    private static final int SAMPLE = 50;
    private static final Map<Class<?>, List<Field>> FIELDS = new HashMap<>();

    private HeapWalk() {}

    /** Keys of a heap state backend, and bytes of their values, by a sample of them. */
    static StateSize ofBackend(Object backend) {
        try {
            Field tables = backend.getClass().getDeclaredField("registeredKVStates");
            tables.setAccessible(true);
            long keys = 0;
            long bytes = 0;
            for (Object table : ((Map<?, ?>) tables.get(backend)).values()) {
                List<Object> values = new ArrayList<>();
                long entries = 0;
                for (Object entry : (Iterable<?>) table) {
                    if (entries++ < SAMPLE) {
                        values.add(entry);
                    }
                }
                keys = Math.max(keys, entries);
                bytes += values.isEmpty() ? 0 : bytes(values) * entries / values.size();
            }
            return new StateSize(keys, bytes);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("Flink's heap state backend has changed", e);
        }
    }

    /** Bytes of all that can be reached from an object. */
    static synchronized long bytes(Object root) throws IllegalAccessException {
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Object> open = new ArrayDeque<>();
        open.add(root);
        long bytes = 0;
        while (!open.isEmpty()) {
            Object object = open.poll();
            if (isShared(object) || !seen.add(object)) {
                continue;
            }
            Class<?> type = object.getClass();
            if (type.isArray()) {
                bytes += array(object, type.getComponentType(), open);
                continue;
            }
            bytes += HEADER;
            for (Field field : fields(type)) {
                if (field.getType().isPrimitive()) {
                    bytes += size(field.getType());
                } else {
                    bytes += REFERENCE;
                    Object value = field.get(object);
                    if (value != null) {
                        open.add(value);
                    }
                }
            }
        }
        return bytes;
    }

    private static long array(Object array, Class<?> component, Deque<Object> open) {
        int length = Array.getLength(array);
        if (component.isPrimitive()) {
            return HEADER + (long) length * size(component);
        }
        for (Object element : (Object[]) array) {
            if (element != null) {
                open.add(element);
            }
        }
        return HEADER + (long) length * REFERENCE;
    }

    private static boolean isShared(Object object) {
        return object instanceof Class
                || object instanceof Enum
                || object instanceof ClassLoader
                || object.getClass().getName().startsWith("pitwall.plan.");
    }

    private static List<Field> fields(Class<?> type) {
        return FIELDS.computeIfAbsent(
                type,
                any -> {
                    List<Field> fields = new ArrayList<>();
                    for (Class<?> c = any; c != null; c = c.getSuperclass()) {
                        for (Field field : c.getDeclaredFields()) {
                            if (!Modifier.isStatic(field.getModifiers())) {
                                field.setAccessible(true);
                                fields.add(field);
                            }
                        }
                    }
                    return fields;
                });
    }

    private static int size(Class<?> primitive) {
        if (primitive == long.class || primitive == double.class) {
            return Long.BYTES;
        }
        if (primitive == int.class || primitive == float.class) {
            return Integer.BYTES;
        }
        return primitive == short.class || primitive == char.class ? Short.BYTES : 1;
    }
}
