// SPDX-License-Identifier: Apache-2.0
/*
 * The n-th allocation of a thread's system calls, made to fail.
 *
 * The kernel counts down whatever a task allocates, page faults of its own
 * included. So it is told to count in system calls only: the linker leads those
 * that operations make through the wrappers below (--wrap in the Makefile),
 * which arm the thread before the call and take the rest of the count back
 * after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "labctl.h"

/* /proc/thread-self/fail-nth while armed, otherwise -1. */
static __thread int control = -1;
static __thread unsigned int left;

ssize_t __real_pread(int fd, void *data, size_t length, off_t offset);
ssize_t __real_write(int fd, const void *data, size_t length);
int __real_close(int fd);

/* Nothing is injected, and no call counted, while left is 0. */
static void set_left(unsigned int n)
{
	char text[16];

	if (__real_write(control, text, snprintf(text, sizeof(text), "%u", n)) <
	    0)
		abort();
}

static void before(void)
{
	if (control >= 0 && left)
		set_left(left);
}

/* Leaves errno as the system call set it. */
static void after(void)
{
	int error = errno;
	char text[16] = "";

	if (control >= 0 && left) {
		/* Not read(): the file cannot be wound back. */
		if (__real_pread(control, text, sizeof(text) - 1, 0) <= 0)
			abort();
		left = strtoul(text, NULL, 10);
		if (left)
			set_left(0);
	}
	errno = error;
}

#define COUNTED(call)                    \
	({                               \
		__typeof__(call) result; \
		before();                \
		result = (call);         \
		after();                 \
		result;                  \
	})

int fault_arm(unsigned int n)
{
	control = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return -1;
	left = n;
	return 0;
}

bool fault_disarm(void)
{
	int fd = control;

	control = -1;
	__real_close(fd);
	return !left;
}

int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
ssize_t __real_read(int fd, void *data, size_t length);
ssize_t __wrap_read(int fd, void *data, size_t length);
ssize_t __wrap_write(int fd, const void *data, size_t length);
ssize_t __wrap_pread(int fd, void *data, size_t length, off_t offset);
ssize_t __real_pwrite(int fd, const void *data, size_t length, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t length, off_t offset);
void *__real_mmap(void *at, size_t length, int prot, int flags, int fd,
		  off_t offset);
void *__wrap_mmap(void *at, size_t length, int prot, int flags, int fd,
		  off_t offset);
int __real_munmap(void *at, size_t length);
int __wrap_munmap(void *at, size_t length);

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return COUNTED(__real_ioctl(fd, request, arg));
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return COUNTED(__real_open(path, flags, mode));
}

int __wrap_close(int fd)
{
	return COUNTED(__real_close(fd));
}

ssize_t __wrap_read(int fd, void *data, size_t length)
{
	return COUNTED(__real_read(fd, data, length));
}

ssize_t __wrap_write(int fd, const void *data, size_t length)
{
	return COUNTED(__real_write(fd, data, length));
}

ssize_t __wrap_pread(int fd, void *data, size_t length, off_t offset)
{
	return COUNTED(__real_pread(fd, data, length, offset));
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t length, off_t offset)
{
	return COUNTED(__real_pwrite(fd, data, length, offset));
}

void *__wrap_mmap(void *at, size_t length, int prot, int flags, int fd,
		  off_t offset)
{
	return COUNTED(__real_mmap(at, length, prot, flags, fd, offset));
}

int __wrap_munmap(void *at, size_t length)
{
	return COUNTED(__real_munmap(at, length));
}
