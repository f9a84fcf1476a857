package pitwall.wire;

import pitwall.plan.Plan;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Reads messages that nobody should send, with one reader. Arguments: the plan's file and {@code
 * times}, {@code vehicles} or {@code large}. Prints how many ticks it read, for {@code
 * tests/flink/test_hostile_messages.py}, which gives it little memory.
 */
public final class ReaderTrial {
    private static final int MESSAGES = 1_000_000;
    private static final int LARGE_MESSAGES = 3000;
    private static final int LARGE_BYTES = 100_000;

    private final CarReader reader;
    private long ticks;

    private ReaderTrial(Plan plan) {
        reader = new CarReader(plan);
    }

    public static void main(String[] arguments) throws IOException {
        ReaderTrial trial = new ReaderTrial(new Plan(Files.readString(Path.of(arguments[0]))));
        switch (arguments[1]) {
            case "times" -> trial.readTimes();
            case "vehicles" -> trial.readVehicles();
            default -> trial.readLarge();
        }
        System.out.println(trial.ticks);
    }

    /** Messages of two ticks that begin with the time: no two begin alike, none is a template. */
    private void readTimes() throws IOException {
        for (int i = 0; i < MESSAGES; i++) {
            String rest = rest("v", "");
            read("[{\"Timestamp\":" + i + rest + ",{\"Timestamp\":" + i + ".5" + rest + "]");
        }
    }

    /** Each message is of another vehicle. */
    private void readVehicles() throws IOException {
        for (int i = 0; i < MESSAGES; i++) {
            read("[{\"Timestamp\":1" + rest("v" + i, "") + "]");
        }
    }

    /** Each vehicle sends three large messages, so that each becomes a template. */
    private void readLarge() throws IOException {
        String filler = ",\"Filler\":\"" + "x".repeat(LARGE_BYTES) + "\"";
        for (int i = 0; i < LARGE_MESSAGES; i++) {
            read("[{\"Timestamp\":" + i + rest("v" + i / 3, filler) + "]");
        }
    }

    private static String rest(String vehicle, String more) {
        return ",\"VehicleId\":\""
                + vehicle
                + "\",\"SessionId\":\"20260101-000000-t\",\"ChannelId\":\"SPEED\""
                + ",\"ChannelValue\":1"
                + more
                + "}";
    }

    private void read(String message) throws IOException {
        ticks += reader.read(message.getBytes(StandardCharsets.UTF_8)).size();
    }
}
