// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a race take place in one order only: a call of any function of the
 * kernel is held at its return, for as long as user space likes.
 *
 * ftrace sends callers to hold_call() instead, as live patching does. That
 * calls the function behind the place where ftrace comes in, so that it is not
 * sent there again.
 */
#include <linux/atomic.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "hold.h"

enum {
	HOLD_NEXT,
	HOLD_WAITS,
	HOLD_OVER,
};

static atomic_t hold_state = ATOMIC_INIT(HOLD_OVER);
static DECLARE_WAIT_QUEUE_HEAD(hold_queue);
static atomic_t hold_opened;

static DEFINE_MUTEX(hold_lock);
static unsigned long hold_entry; /* where ftrace comes in, 0 for nowhere */

typedef unsigned long (*hold_function_t)(unsigned long, unsigned long,
					 unsigned long, unsigned long,
					 unsigned long, unsigned long);

/* Only changes while nobody is sent here. */
static hold_function_t hold_function;

static void hold_wait(void)
{
	if (atomic_cmpxchg(&hold_state, HOLD_NEXT, HOLD_WAITS) != HOLD_NEXT)
		return;

	might_sleep();
	wake_up_all(&hold_queue);
	/* Not for every signal: what the function has done cannot be undone. */
	wait_event_killable(hold_queue, atomic_read(&hold_state) == HOLD_OVER);
}

static unsigned long hold_call(unsigned long a, unsigned long b,
			       unsigned long c, unsigned long d,
			       unsigned long e, unsigned long f)
{
	unsigned long result = hold_function(a, b, c, d, e, f);

	hold_wait();
	return result;
}

static void notrace hold_redirect(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops,
				  struct ftrace_regs *fregs)
{
	ftrace_regs_set_instruction_pointer(fregs, (unsigned long)hold_call);
}

static struct ftrace_ops hold_ops = {
	.func = hold_redirect,
	.flags = FTRACE_OPS_FL_IPMODIFY,
};

/* A kprobe knows where ftrace comes into a function, if it does. */
static int hold_find(const char *name, unsigned long *entry)
{
	struct kprobe probe = { .symbol_name = name };
	int ret;

	ret = register_kprobe(&probe);
	if (ret)
		return ret;
	if (kprobe_ftrace(&probe))
		*entry = (unsigned long)probe.addr;
	else
		ret = -EOPNOTSUPP;
	unregister_kprobe(&probe);
	return ret;
}

static int hold_begin(const char *name)
{
	unsigned long entry;
	int ret;

	ret = hold_find(name, &entry);
	if (ret)
		return ret;
	ret = ftrace_set_filter_ip(&hold_ops, entry, 0, 1);
	if (ret)
		return ret;

	hold_function = (hold_function_t)(entry + MCOUNT_INSN_SIZE);
	atomic_set(&hold_state, HOLD_NEXT);
	ret = register_ftrace_function(&hold_ops);
	if (ret)
		return ret;

	/*
	 * Nobody can tell when the last caller has returned through
	 * hold_call(), so the module stays for ever.
	 */
	__module_get(THIS_MODULE);
	hold_entry = entry;
	return 0;
}

static long hold_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kernel_hold req;

	if (cmd != KERNEL_HOLD_AT)
		return -ENOTTY;
	if (copy_from_user(&req, (void __user *)arg, sizeof(req)))
		return -EFAULT;
	if (strnlen(req.function, sizeof(req.function)) == sizeof(req.function))
		return -EINVAL;

	guard(mutex)(&hold_lock);
	return hold_entry ? -EBUSY : hold_begin(req.function);
}

static __poll_t hold_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &hold_queue, wait);
	return atomic_read(&hold_state) == HOLD_WAITS ? EPOLLIN : 0;
}

static int hold_open(struct inode *inode, struct file *file)
{
	return atomic_cmpxchg(&hold_opened, 0, 1) ? -EBUSY : 0;
}

static int hold_release(struct inode *inode, struct file *file)
{
	atomic_set(&hold_state, HOLD_OVER);
	wake_up_all(&hold_queue);
	if (hold_entry)
		unregister_ftrace_function(&hold_ops);
	hold_entry = 0;
	atomic_set_release(&hold_opened, 0);
	return 0;
}

static const struct file_operations hold_fops = {
	.owner = THIS_MODULE,
	.open = hold_open,
	.release = hold_release,
	.unlocked_ioctl = hold_ioctl,
	.poll = hold_poll,
	.llseek = noop_llseek,
};

static struct miscdevice hold_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kernel_hold",
	.fops = &hold_fops,
};

int __init hold_init(void)
{
	return misc_register(&hold_misc);
}

void hold_exit(void)
{
	misc_deregister(&hold_misc);
}
