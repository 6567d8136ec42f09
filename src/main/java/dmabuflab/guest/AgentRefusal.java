// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

/**
 * The guest's kernel refused what a scenario needed to go on: a failed scenario, not a broken lab.
 */
public final class AgentRefusal extends AssertionError {
    private static final long serialVersionUID = 1;

    AgentRefusal(String request, Answer answer) {
        super(
                request
                        + " failed with "
                        + answer.errno()
                        + " from "
                        + answer.call()
                        + ": "
                        + answer.error());
    }
}
