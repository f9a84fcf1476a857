package pitwall.simulation;

import java.util.ArrayList;
import java.util.List;

/** What a world holds, in words, and when it happens. */
final class Story {
    /** A line of the drawing. Times are milliseconds since the world began. */
    record Bar(String label, long fromMs, long toMs, char mark) {}

    private static final int COLUMNS = 60;
    private static final int LABEL = 24;

    private final List<String> words = new ArrayList<>();
    private final List<Bar> bars = new ArrayList<>();

    void say(String sentence) {
        words.add(sentence);
    }

    void draw(String label, long fromMs, long toMs, char mark) {
        bars.add(new Bar(label, fromMs, toMs, mark));
    }

    /** Says a sentence and draws its time. */
    void say(String label, long fromMs, long toMs, char mark, String sentence) {
        say(sentence + " (from " + seconds(fromMs) + " to " + seconds(toMs) + ")");
        draw(label, fromMs, toMs, mark);
    }

    static String seconds(long ms) {
        return ms / 1000 + "." + ms / 100 % 10 + " s";
    }

    /** The sentences, and a drawing of time beneath them. */
    List<String> lines() {
        List<String> lines = new ArrayList<>(words);
        long endMs = 1000;
        for (Bar bar : bars) {
            endMs = Math.max(endMs, bar.toMs);
        }
        lines.add(
                " ".repeat(LABEL)
                        + "0"
                        + " ".repeat(COLUMNS - 1 - seconds(endMs).length())
                        + seconds(endMs));
        for (Bar bar : bars) {
            int from = (int) Math.min(COLUMNS - 1, bar.fromMs * COLUMNS / endMs);
            int to = (int) Math.max(from + 1, Math.min(COLUMNS, bar.toMs * COLUMNS / endMs));
            String label = bar.label.substring(0, Math.min(LABEL - 1, bar.label.length()));
            lines.add(
                    label
                            + " ".repeat(LABEL - label.length())
                            + " ".repeat(from)
                            + String.valueOf(bar.mark).repeat(to - from));
        }
        return lines;
    }
}
