// SPDX-License-Identifier: Apache-2.0
package dmabuflab.scenario;

import dmabuflab.host.Disk;
import dmabuflab.host.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Tells whether a scenario is still what it was: its class and those of its package it uses. */
final class ScenarioCode {
    private static final String FOLDER = "dmabuflab/scenarios/";

    /** A class file spells out the names of all classes that it mentions. */
    private static final Pattern CLASS = Pattern.compile(FOLDER + "([A-Za-z0-9_$]+)");

    private static final byte[] NONE = {};

    private ScenarioCode() {}

    /**
     * A digest of the compiled code, empty when there is no such class any more.
     *
     * @param id of a scenario or a case
     */
    static Optional<String> digest(String id) {
        Sha256 digest = new Sha256();
        Map<String, byte[]> classes = closure(id.replaceFirst("\\..*", ""));
        classes.forEach(digest::add);
        return classes.isEmpty() ? Optional.empty() : Optional.of(digest.hex());
    }

    /** The names of the classes that decide what a scenario of this class notices. */
    static Set<String> classes(String name) {
        return closure(name).keySet();
    }

    private static Map<String, byte[]> closure(String first) {
        Map<String, byte[]> classes = new TreeMap<>();
        Deque<String> toVisit = new ArrayDeque<>(Set.of(first));
        while (!toVisit.isEmpty()) {
            String name = toVisit.remove();
            byte[] code = classes.containsKey(name) ? NONE : read(name);
            if (code.length > 0) {
                classes.put(name, code);
                Matcher mentioned = CLASS.matcher(new String(code, StandardCharsets.ISO_8859_1));
                mentioned.results().forEach(result -> toVisit.add(result.group(1)));
            }
        }
        return classes;
    }

    private static byte[] read(String name) {
        String file = FOLDER + name + ".class";
        try (InputStream in = ScenarioCode.class.getClassLoader().getResourceAsStream(file)) {
            return in == null ? NONE : in.readAllBytes();
        } catch (IOException e) {
            throw Disk.failure("cannot read a class of the lab", Path.of(file), e);
        }
    }
}
