// SPDX-License-Identifier: Apache-2.0
package dmabuflab.cli;

/**
 * One thing about this machine.
 *
 * @param advice what to do about it, "" when nothing has to be done
 */
record Diagnosis(State state, String subject, String finding, String advice) {
    enum State {
        GOOD("ok"),
        LIMITED("note"),
        BROKEN("FAIL");

        private final String label;

        State(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }
    }

    static Diagnosis good(String subject, String finding) {
        return new Diagnosis(State.GOOD, subject, finding, "");
    }

    static Diagnosis limited(String subject, String finding, String advice) {
        return new Diagnosis(State.LIMITED, subject, finding, advice);
    }

    static Diagnosis broken(String subject, String finding, String advice) {
        return new Diagnosis(State.BROKEN, subject, finding, advice);
    }
}
