// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import dmabuflab.host.Cache;
import dmabuflab.host.Disk;
import dmabuflab.host.InfrastructureException;
import dmabuflab.host.ProjectFiles;
import dmabuflab.host.Sandbox;
import dmabuflab.kernel.Kernels;
import dmabuflab.kernel.Mailbox;
import dmabuflab.kernel.PatchSeries;
import dmabuflab.kernel.SourceTree;
import dmabuflab.qemu.QemuBinary;
import dmabuflab.report.ReportDirectory;
import dmabuflab.report.ReportWriters;
import dmabuflab.scenario.KernelName;
import dmabuflab.scenario.LabOptions;
import dmabuflab.scenario.Selection;
import dmabuflab.validate.HtmlPage;
import dmabuflab.validate.Judgement;
import dmabuflab.validate.MailReply;
import dmabuflab.validate.Patch;
import dmabuflab.validate.PatchVerdict;
import dmabuflab.validate.ScenarioVerdict;
import dmabuflab.validate.Validation;
import dmabuflab.validate.ValidationJson;
import dmabuflab.validate.ValidationKcidb;
import dmabuflab.validate.ValidationResults;
import dmabuflab.validate.Validator;
import dmabuflab.validate.VariantVerdict;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "validate",
        description = {
            "Says what a patch series does to a kernel.",
            "Whether each patch applies, has the kernel's style, builds, warns and boots; and",
            "which scenarios are red with the series and not without it, since which patch.",
            "",
            "  lab validate --series my.mbox",
            "  lab validate --tree ~/linux --base v7.3 --head my-branch"
        },
        footer = {
            "",
            "Exit status: 0 nothing regressed; 1 a patch does not apply, build or boot, or a",
            "scenario regressed; 2 wrong usage; 3 the lab could not find out."
        },
        mixinStandardHelpOptions = true)
final class ValidateCommand implements Callable<Integer> {
    private static final String PATCHES = "patches";
    private static final String REPLY = "reply.txt";
    private static final String PAGE = "validation.html";
    private static final String JSON = "validation.json";
    private static final String KCIDB = "kcidb.json";

    @Spec CommandSpec spec;

    @Mixin Place place;

    @Mixin LabFlags flags;

    @Mixin SourceFlags source;

    @Mixin TestFlags tests;

    @Parameters(
            paramLabel = "SELECTOR",
            arity = "0..*",
            description =
                    "which scenarios: name, class, tag, rule or parameter (default: all of them)")
    List<String> selectors = List.of();

    @Option(
            names = "--series",
            paramLabel = "MBOX|DIR|-",
            description = "the patches: an mbox, a directory of patches, or - for standard input")
    String series;

    @Option(
            names = "--head",
            paramLabel = "REV",
            description = "where in --tree it ends, if there is no --series (default: HEAD)")
    String head;

    @Option(
            names = "--quick",
            description = "run only the scenarios that belong to the files the series touches")
    boolean quick;

    @Option(
            names = "--variants",
            paramLabel = "NAME",
            split = ",",
            description =
                    "variants of the kernel to run the scenarios on too: normal, or a name that"
                            + " the target knows, such as debug")
    List<String> variants = List.of();

    @Option(
            names = "--coverage",
            description =
                    "find out which of the series' lines the scenarios execute; they run once more"
                            + " for that, on a kernel that counts")
    boolean coverage;

    @Option(
            names = "--repeats",
            paramLabel = "N",
            description = "how often to look again at what differs (default: 3)")
    int repeats = 3;

    @Option(
            names = "--unconfined",
            description = "build without a sandbox, where there is none: for series you trust")
    boolean unconfined;

    @Option(
            names = "--report",
            paramLabel = "DIR",
            description = "where the report goes (default: reports/DATE, linked as reports/latest)")
    Path report;

    @Override
    public Integer call() throws IOException {
        checkUsage();
        LabOptions base = tests.applyTo(source.applyTo(flags.options(Optional.empty())));
        Selection selection = Selectors.checked(spec, selectors, base);
        if (!Sandbox.obstacle().isEmpty() && !unconfined) {
            throw new InfrastructureException(
                    "will not build a series of others",
                    "its code would run as you, since " + Sandbox.obstacle(),
                    "install bubblewrap, or say --unconfined if you trust it");
        }
        if (report != null
                && Files.exists(report.resolve(PATCHES))
                && !Files.exists(report.resolve(JSON))) {
            throw wrong(report.resolve(PATCHES) + " is there, and is of no earlier report");
        }
        ReportDirectory directory =
                report != null
                        ? ReportDirectory.at(report)
                        : ReportDirectory.dated(ProjectFiles.locate().root().resolve("reports"));
        LabOptions options = base.withReport(directory.root());
        List<Path> files = patches(base.tree(), empty(directory.root().resolve(PATCHES)));
        List<Patch> patches = new ArrayList<>();
        for (Path file : files) {
            patches.add(
                    new Patch(patches.size() + 1, files.size(), PatchSeries.subject(file), file));
        }
        PrintWriter out = spec.commandLine().getOut();
        Validation so =
                new Validator(
                                new Validator.Plan(
                                        options,
                                        patches,
                                        selection,
                                        quick,
                                        variants,
                                        coverage,
                                        repeats,
                                        flags.jobs,
                                        directory.root(),
                                        facts(base, patches.size())),
                                line -> {
                                    out.println(line);
                                    out.flush();
                                },
                                ValidateCommand::write)
                        .run();
        out.println();
        out.print(MailReply.of(so));
        out.printf("%nreport: %s%n", directory.root());
        out.flush();
        annotate(so, new Annotations(out, System.getenv()));
        return so.exitStatus();
    }

    private static void annotate(Validation so, Annotations annotations) {
        if (!so.conflict().isEmpty()) {
            annotations.error("the series does not apply", so.conflict());
        }
        for (PatchVerdict each : so.patches()) {
            if (!each.runs()) {
                annotations.error(
                        each.patch().place()
                                + (each.builds() ? " does not boot" : " does not build"),
                        each.build() + each.boot());
            }
        }
        for (VariantVerdict each : so.variants()) {
            if (!each.runs()) {
                annotations.error(
                        "the series does not run on " + each.variant(), each.build() + each.boot());
            }
        }
        for (ScenarioVerdict each : so.scenarios()) {
            if (each.judgement() == Judgement.REGRESSED) {
                String since = each.blame() == null ? "" : " since " + each.blame().place();
                annotations.error("regressed " + each.name() + since, each.message());
            }
        }
    }

    private static void write(Validation so) {
        ReportWriters.replace(so.directory().resolve(REPLY), MailReply.of(so));
        ReportWriters.replace(so.directory().resolve(JSON), ValidationJson.of(so));
        ReportWriters.replace(so.directory().resolve(PAGE), HtmlPage.of(so));
        ReportWriters.replace(so.directory().resolve(KCIDB), ValidationKcidb.of(so));
        ReportWriters.writeForCi(ValidationResults.of(so), ValidationResults.redOnBoth(so));
    }

    private List<Path> patches(Optional<SourceTree> from, Path into) throws IOException {
        if (series == null) {
            List<Path> patches = from.orElseThrow().patchesTo(end(), into);
            if (patches.isEmpty()) {
                throw wrong("there is nothing between --base and --head");
            }
            return patches;
        }
        if (!series.equals("-")) {
            return Mailbox.read(Path.of(series), into);
        }
        Path mails = Files.createTempFile("dmabuf-lab-series-", ".mbox");
        try {
            Files.write(mails, System.in.readAllBytes());
            return Mailbox.read(mails, into);
        } finally {
            Files.delete(mails);
        }
    }

    /** What a reader who was not there has to know. */
    private Map<String, String> facts(LabOptions base, int count) {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put(
                "base",
                base.tree()
                                .map(t -> t.commit() + " of " + t.directory())
                                .orElse(
                                        "target "
                                                + flags.kernel
                                                + " of dmabuf-lab, with its series")
                        + (base.patches().isEmpty() ? "" : ", and " + base.patches()));
        facts.put(
                "series",
                count
                        + (count == 1 ? " patch, " : " patches, ")
                        + (series == null ? range(base.tree()) : series));
        facts.put(
                "config",
                base.fragments().isEmpty()
                        ? "the target's"
                        : "the target's and " + base.fragments());
        facts.put("qemu", QemuBinary.find().version());
        facts.put(
                "command",
                "lab " + String.join(" ", spec.commandLine().getParseResult().originalArgs()));
        return facts;
    }

    private String range(Optional<SourceTree> from) {
        return from.orElseThrow().commit().substring(0, 12) + ".." + end().substring(0, 12);
    }

    private String end() {
        return SourceTree.at(source.tree, head == null ? "HEAD" : head).commit();
    }

    private static Path empty(Path directory) {
        try {
            Cache.delete(directory);
            return Files.createDirectories(directory);
        } catch (IOException e) {
            throw Disk.failure("cannot keep the series", directory, e);
        }
    }

    private void checkUsage() {
        if (series == null && source.tree == null) {
            throw wrong("give --series, or --tree with --base");
        } else if (source.tree != null && source.commit == null) {
            throw wrong("--tree needs --base, the commit that the series begins at");
        } else if (source.tree == null && (source.commit != null || head != null)) {
            throw wrong("--base and --head are of --tree, which is not given");
        } else if (series != null && head != null) {
            throw wrong("--series and --head both say where the series ends: give one");
        } else if (!unknown(variants).isEmpty()) {
            throw wrong("--variants: this kernel has no " + unknown(variants));
        } else if (repeats < 1) {
            throw wrong("--repeats is 1 or more, not " + repeats);
        } else if (series != null && !series.equals("-") && !Files.exists(Path.of(series))) {
            throw wrong("there is no " + series);
        }
    }

    private List<String> unknown(List<String> names) {
        String target = KernelName.parse(flags.kernel).target();
        Set<String> known = Kernels.of(ProjectFiles.locate(), Cache.locate()).variants(target);
        return names.stream()
                .filter(name -> !name.equals(KernelName.NORMAL) && !known.contains(name))
                .toList();
    }

    private ParameterException wrong(String what) {
        return new ParameterException(spec.commandLine(), what);
    }
}
