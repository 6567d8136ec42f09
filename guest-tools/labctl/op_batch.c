// SPDX-License-Identifier: Apache-2.0
/*
 * Operations one after the other in one thread, where a thread for each would
 * leave its traces in what is being measured.
 */
#include "labctl.h"

/* NULL with the answer written. */
static json_t *perform(struct call *c, json_t *step)
{
	const char *name = json_string_value(json_object_get(step, "run"));
	const struct op *op = name ? op_find(name) : NULL;
	json_t *args = json_object_get(step, "args");
	json_t *answer;

	if (!op) {
		call_usage(c, "there is no operation %s", name ?: "''");
		return NULL;
	}
	args = args ? json_incref(args) : json_object();
	answer = call_perform(op, args, &c->caller);
	json_decref(args);
	if (json_is_true(json_object_get(answer, "ok")))
		return answer;
	json_object_update(c->answer, answer);
	json_decref(answer);
	return NULL;
}

int batch_run(struct call *c)
{
	json_t *answers = json_array();
	json_t *step, *answer;
	int ret = 0;
	size_t i;

	json_array_foreach(call_json(c, "steps"), i, step) {
		answer = perform(c, step);
		if (!answer) {
			ret = -1;
			break;
		}
		json_array_append_new(answers, answer);
		call_progress(c, "performed", i + 1);
	}
	answer_json(c, "answers", answers);
	return ret;
}
