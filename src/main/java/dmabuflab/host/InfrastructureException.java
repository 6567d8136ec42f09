// SPDX-License-Identifier: Apache-2.0
package dmabuflab.host;

/**
 * The lab itself could not do its work: a build, a boot, a full disk, a missing program. Never the
 * verdict of a scenario; the command line ends with exit status 3.
 */
public class InfrastructureException extends RuntimeException {

    /**
     * Makes the message from three parts.
     *
     * @param what what could not be done, a sentence without a full stop
     * @param why the reason as far as it is known
     * @param next what the reader can do about it
     */
    public InfrastructureException(String what, String why, String next) {
        super(what + ": " + why + "\n" + next);
    }

    /** As above, with the exception that made it happen. */
    public InfrastructureException(String what, String why, String next, Throwable cause) {
        super(what + ": " + why + "\n" + next, cause);
    }
}
