// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.DoubleStream;

/** One thing measured several times: a duration, unless another unit is given. */
final class Samples {
    private final String what;
    private final String unit;
    private final DoubleStream.Builder builder = DoubleStream.builder();
    private double[] sorted;

    /** Measurements in seconds. */
    Samples(String what) {
        this(what, "s");
    }

    Samples(String what, String unit) {
        this.what = what;
        this.unit = unit;
    }

    /** Measures how long the call takes; what it returns is closed afterwards, unmeasured. */
    void add(Callable<? extends AutoCloseable> call) {
        long start = System.nanoTime();
        try (AutoCloseable measured = call.call()) {
            add((System.nanoTime() - start) / 1e9);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** Adds a measurement in the unit of these. */
    void add(double measurement) {
        builder.add(measurement);
    }

    double median() {
        double[] s = sorted();
        int middle = s.length / 2;
        return s.length % 2 == 1 ? s[middle] : (s[middle - 1] + s[middle]) / 2;
    }

    /** These samples as a line, with the ratio of the other's median to this one's. */
    String against(Samples other) {
        return String.format(Locale.ROOT, "%s  x%.1f", this, other.median() / median());
    }

    /** These samples as members of a JSON object. */
    Map<String, Object> json() {
        double[] s = sorted();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("what", what.strip());
        json.put("unit", unit);
        json.put("median", median());
        json.put("min", s[0]);
        json.put("max", s[s.length - 1]);
        json.put("samples", s);
        return json;
    }

    @Override
    public String toString() {
        double[] s = sorted();
        return String.format(
                Locale.ROOT,
                "%-36s median %7.2f %s  min-max %.2f-%.2f %s  n=%d",
                what,
                median(),
                unit,
                s[0],
                s[s.length - 1],
                unit,
                s.length);
    }

    private double[] sorted() {
        if (sorted == null) {
            sorted = builder.build().sorted().toArray();
        }
        return sorted;
    }
}
