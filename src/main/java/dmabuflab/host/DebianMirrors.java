// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The mirrors that this machine's apt uses already. */
public final class DebianMirrors {
    private static final Path OS_RELEASE = Path.of("/etc/os-release");
    private static final Pattern IN_RELEASE =
            Pattern.compile("^'(.+)/dists/([^/']+)/InRelease'.*$", Pattern.MULTILINE);
    private static final Pattern CODENAME =
            Pattern.compile("^VERSION_CODENAME=\"?(\\w+)\"?$", Pattern.MULTILINE);

    private DebianMirrors() {}

    /** Those of Debian's main archive, in apt's order; none where apt has none. */
    public static Set<String> ofThisMachine() {
        Set<String> mirrors =
                byRelease(
                        Command.of(
                                        "apt-get",
                                        "indextargets",
                                        "--format",
                                        "$(ORIGIN)|$(LABEL)|$(SITE)",
                                        "Created-By: Packages")
                                .output());
        if (!mirrors.isEmpty()) {
            return mirrors;
        }
        String codename;
        try {
            Matcher matcher = CODENAME.matcher(Files.readString(OS_RELEASE));
            codename = matcher.find() ? matcher.group(1) : "stable";
        } catch (IOException e) {
            throw Disk.failure("cannot read the release", OS_RELEASE, e);
        }
        return bySuite(Command.of("apt-get", "--print-uris", "update").output(), codename);
    }

    /**
     * Third parties and the security archive are in the same listing; they are told apart by what
     * their Release files say.
     */
    static Set<String> byRelease(String listing) {
        Set<String> mirrors = new LinkedHashSet<>();
        for (String line : listing.lines().toList()) {
            List<String> fields = List.of(line.split("\\|", -1));
            if (fields.size() == 3
                    && fields.get(0).equals("Debian")
                    && fields.get(1).equals("Debian")
                    && !fields.get(2).startsWith("cdrom:")) {
                mirrors.add(fields.get(2));
            }
        }
        return mirrors;
    }

    /**
     * Before the first {@code apt-get update} of a machine there is no Release file to ask. Then it
     * is who offers a suite named like this Debian; a wrong guess does not pass the keyring.
     */
    static Set<String> bySuite(String uris, String codename) {
        Set<String> mirrors = new LinkedHashSet<>();
        Matcher matcher = IN_RELEASE.matcher(uris);
        while (matcher.find()) {
            if (matcher.group(2).equals(codename)) {
                mirrors.add(matcher.group(1));
            }
        }
        return mirrors;
    }
}
