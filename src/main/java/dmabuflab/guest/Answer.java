// SPDX-License-Identifier: Apache-2.0
package dmabuflab.guest;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * What the agent said to one request: the kernel's word, success or not.
 *
 * @param json the whole answer
 */
public record Answer(JsonNode json) {

    public boolean ok() {
        return json.path("ok").asBoolean();
    }

    /** Symbolic error number, "" on success. */
    public String errno() {
        return json.path("errno").asText();
    }

    /** The system call that failed. */
    public String call() {
        return json.path("call").asText("the agent");
    }

    public String error() {
        return json.path("error").asText();
    }

    public long number(String field) {
        return json.required(field).asLong();
    }

    public String text(String field) {
        return json.required(field).asText();
    }

    /** An array of integers. */
    public long[] numbers(String field) {
        JsonNode array = json.required(field);
        long[] values = new long[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).asLong();
        }
        return values;
    }
}
