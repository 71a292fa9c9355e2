// SPDX-License-Identifier: GPL-2.0-only
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008U
#endif

static bool is_executable(const char *path)
{
	struct stat status;

	return !eaccess(path, X_OK) && !stat(path, &status) && S_ISREG(status.st_mode);
}

bool command_exists(const char *name)
{
	const char *at = getenv("PATH");
	char path[PATH_MAX];

	if (strchr(name, '/')) {
		if (is_executable(name))
			return true;
		say("%s is not an executable file", name);
		return false;
	}
	if (!at)
		at = "/bin:/usr/bin";
	for (;;) {
		int len = (int)strcspn(at, ":");

		snprintf(path, sizeof(path), "%.*s/%s", len ? len : 1, len ? at : ".", name);
		if (is_executable(path))
			return true;
		if (!at[len])
			break;
		at += len + 1;
	}
	say("%s is not in PATH", name);
	return false;
}

/*
 * A file, unlike a pipe, needs no writer while the command runs, and may be left
 * unread.
 */
static int payload_file(const struct ke_event *event)
{
	const char *at = event->data;
	size_t left = event->len;
	int fd = memfd_create("kevents", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)	/* before Linux 6.3 */
		fd = memfd_create("kevents", MFD_CLOEXEC);
	while (fd >= 0 && left) {
		ssize_t written = write(fd, at, left);

		if (written < 0) {
			close(fd);
			return -1;
		}
		at += written;
		left -= (size_t)written;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static void set_variable(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void set_variable(const char *name, const char *format, ...)
{
	char text[32];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (setenv(name, text, 1))
		_exit(127);
}

static void set_environment(const struct ke_event *event)
{
	set_variable("KEVENTS_ID", "%d", event->id);
	set_variable("KEVENTS_SEQ", "%" PRIu64, event->seq);
	set_variable("KEVENTS_DELIVERIES", "%" PRIu32, event->deliveries);
	set_variable("KEVENTS_PID", "%d", (int)event->pid);
	set_variable("KEVENTS_UID", "%u", event->uid);
	set_variable("KEVENTS_GID", "%u", event->gid);
	set_variable("KEVENTS_SENT_NS", "%" PRIu64, event->sent_ns);
	set_variable("KEVENTS_LEN", "%zu", event->len);
}

/* dup2() would leave FD_CLOEXEC set if fd is already standard input. */
static void move_to_stdin(int fd)
{
	if (fd == STDIN_FILENO)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, STDIN_FILENO);
}

static void run_command(const struct ke_event *event, char **command, int payload, int report,
			const struct signal_state *inherited, pid_t worker)
{
	int err;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != worker)	/* it died before the prctl() */
		_exit(127);
	move_to_stdin(payload);
	set_environment(event);
	sigaction(SIGPIPE, &inherited->sigpipe, NULL);
	sigprocmask(SIG_SETMASK, &inherited->mask, NULL);
	execvp(command[0], command);
	err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

static int start(struct job *job, char **command, const struct signal_state *inherited, int payload)
{
	pid_t worker = getpid();
	int report[2], err = 0;
	ssize_t got;

	if (pipe2(report, O_CLOEXEC)) {
		say_errno("pipe");
		return -1;
	}
	job->pid = fork();
	if (!job->pid)
		run_command(&job->buf.event, command, payload, report[1], inherited, worker);
	close(report[1]);
	if (job->pid < 0) {
		say_errno("fork");
		close(report[0]);
		job->pid = 0;
		return -1;
	}
	got = read(report[0], &err, sizeof(err));
	close(report[0]);
	if (got <= 0)
		return 0;
	waitpid(job->pid, NULL, 0);
	job->pid = 0;
	errno = err;
	say_errno("%s", command[0]);
	return 1;
}

int job_start(struct job *job, char **command, const struct signal_state *inherited)
{
	int payload = payload_file(&job->buf.event);
	int ret;

	if (payload < 0) {
		say_errno("memfd");
		return -1;
	}
	ret = start(job, command, inherited, payload);
	close(payload);
	return ret;
}

bool job_reap(struct job *job, int *status)
{
	if (!job->pid || waitpid(job->pid, status, WNOHANG) != job->pid)
		return false;
	job->pid = 0;
	return true;
}

void job_signal(const struct job *job, int signal)
{
	kill(-job->pid, signal);
}

void job_describe(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "exit status %d", WEXITSTATUS(status));
}
