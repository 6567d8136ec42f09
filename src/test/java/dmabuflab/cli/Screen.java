// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dmabuflab.qemu.ShellScript;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A terminal of 33 lines of 101 characters, which script(1) makes and sh runs in. */
public final class Screen implements AutoCloseable {
    /** Of bash in a guest. */
    public static final String PROMPT = "guest\033[0m:/# ";

    public static final long LIMIT_SECONDS = 120;

    private final Process process;
    private final StringBuilder shown = new StringBuilder();
    private boolean over;

    /**
     * @param script what sh does, after it has told its process id and its terminal
     */
    public Screen(String script) throws IOException {
        // Without a trap some shells die of Ctrl-C before they can tell the status of what ended.
        String whole = "trap : INT; stty rows 33 cols 101; echo pid=$$ tty=`tty`; " + script;
        // Whoever runs the tests in the background may have Ctrl-C ignored, and all they start.
        process =
                builder("env", "--default-signal=INT", "script", "-qec", whole, "/dev/null")
                        .redirectErrorStream(true)
                        .start();
        Thread reader = new Thread(this::read);
        reader.setDaemon(true);
        reader.start();
    }

    /** The words of a lab command, quoted for sh; not ./lab itself, which would build this anew. */
    public static String lab(String command, String... words) {
        return labWith("", command, words);
    }

    /** The same of a lab that has more classes. */
    static String labWith(String more, String command, String... words) {
        String java = Path.of(System.getProperty("java.home"), "bin/java").toString();
        String classes =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"));
        String home = "-Ddmabuflab.home=" + System.getProperty("dmabuflab.home");
        List<String> main =
                List.of(java, home, "-cp", classes + more, "dmabuflab.cli.Main", command);
        return Stream.concat(main.stream(), Stream.of(words))
                .map(ShellScript::quote)
                .collect(Collectors.joining(" "));
    }

    static ProcessBuilder builder(String... words) {
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.environment().put("TERM", "xterm-256color");
        builder.environment().put("SHELL", "/bin/sh");
        builder.environment().remove("NO_COLOR");
        return builder;
    }

    /** No file of that directory is left, and no process that was told of it. */
    public static void assertNothingIsLeft(Path scratch) {
        assertThat(scratch).doesNotExist();
        assertThat(
                        ProcessHandle.allProcesses()
                                .map(process -> process.info().commandLine().orElse(""))
                                .filter(line -> line.contains(scratch.toString())))
                .isEmpty();
    }

    private void read() {
        byte[] bytes = new byte[4096];
        try {
            for (int n = 0; n >= 0; n = process.getInputStream().read(bytes)) {
                show(new String(bytes, 0, n, StandardCharsets.UTF_8), false);
            }
            show("", true);
        } catch (IOException e) {
            show(e.toString(), true);
        }
    }

    private synchronized void show(String text, boolean last) {
        shown.append(text);
        over = last;
        notifyAll();
    }

    /** What is shown until a text is, with it; the next call goes on behind it. */
    public synchronized String until(String text) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (shown.indexOf(text) < 0) {
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (over || left <= 0) {
                throw new AssertionError("no '" + text + "' in:\n" + shown);
            }
            wait(left);
        }
        int length = shown.indexOf(text) + text.length();
        String part = shown.substring(0, length);
        shown.delete(0, length);
        return part;
    }

    public void type(String keys) throws IOException {
        process.getOutputStream().write(keys.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
    }

    /** Has the guest's shell run a line, and returns what it printed. */
    public String run(String line) throws IOException, InterruptedException {
        type(line + "\n");
        until("\n");
        return until(PROMPT);
    }

    public int status() throws InterruptedException {
        assertThat(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
