// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A digest over named parts, so that no two different lists of parts give the same bytes. */
public final class Sha256 {

    private final MessageDigest digest = sha256();
    private boolean ended;

    /** Adds a piece of text under a name. */
    public Sha256 add(String name, String value) {
        return add(name, value.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds the content of a file under a name; where the file lies does not matter. */
    public Sha256 add(String name, Path file) {
        try {
            return add(name, Files.readAllBytes(file));
        } catch (IOException e) {
            throw Disk.failure("cannot read " + file, file, e);
        }
    }

    /** Adds bytes under a name. */
    public Sha256 add(String name, byte[] value) {
        requireUse();
        digest.update((name + "\n" + value.length + "\n").getBytes(StandardCharsets.UTF_8));
        digest.update(value);
        return this;
    }

    /**
     * The digest as 64 hexadecimal digits; ends the use of this object.
     *
     * @throws IllegalStateException when that has been asked for before: it would be the digest of
     *     nothing
     */
    public String hex() {
        requireUse();
        ended = true;
        return HexFormat.of().formatHex(digest.digest());
    }

    private void requireUse() {
        if (ended) {
            throw new IllegalStateException("this digest has been read already");
        }
    }

    /** The digest of a file, as sha256sum(1) prints it. */
    public static String of(Path file) {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        } catch (IOException e) {
            throw Disk.failure("cannot read " + file, file, e);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The digest of a text, as sha256sum(1) prints that of a file with it. */
    public static String of(String text) {
        return HexFormat.of().formatHex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }
}
