package pitwall.wire;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/** Checks that a message is UTF-8. Jackson is less strict, and takes UTF-16 and UTF-32 as well. */
final class TextCheck {
    private final CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
    private final CharBuffer characters = CharBuffer.allocate(8192);

    /** Throws IllegalArgumentException unless the bytes are UTF-8. */
    void check(byte[] message) {
        for (int i = 0; i < Math.min(4, message.length); i++) {
            if (message[i] == 0) {
                throw new IllegalArgumentException("the message begins with a null byte");
            }
        }
        ByteBuffer bytes = ByteBuffer.wrap(message);
        utf8.reset();
        CoderResult result;
        do {
            characters.clear();
            result = utf8.decode(bytes, characters, true);
        } while (result.isOverflow());
        if (result.isError()) {
            throw new IllegalArgumentException(
                    "the message is not UTF-8 at byte " + bytes.position());
        }
    }
}
