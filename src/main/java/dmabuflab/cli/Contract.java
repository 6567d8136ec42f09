// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.InfrastructureException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The rules that scenarios prove, from kernel-config/contract.md: an item of a list each. */
final class Contract {
    private static final Pattern RULE = Pattern.compile("(?m)^- ([A-Z]{2}\\d) (.*(?:\\R  .*)*)$");

    private Contract() {}

    /**
     * What each rule says, by its id, in the order of the file.
     *
     * @throws InfrastructureException when it cannot be read, or has no rule
     */
    static Map<String, String> read(Path file) {
        String text;
        try {
            text = Files.readString(file);
        } catch (IOException e) {
            throw new InfrastructureException(
                    "cannot read the contract", e.toString(), "it belongs in " + file, e);
        }
        Map<String, String> rules = of(text);
        if (rules.isEmpty()) {
            throw new InfrastructureException(
                    "there is no rule in " + file,
                    "a rule is an item of a list that begins with its id",
                    "see kernel-config/contract.md of a fresh checkout");
        }
        return rules;
    }

    static Map<String, String> of(String text) {
        Map<String, String> rules = new LinkedHashMap<>();
        Matcher rule = RULE.matcher(text);
        while (rule.find()) {
            rules.put(rule.group(1), rule.group(2).replaceAll("\\s+", " "));
        }
        return rules;
    }
}
