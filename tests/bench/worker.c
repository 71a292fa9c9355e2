// SPDX-License-Identifier: GPL-2.0-only
#include "worker.h"

#include "measure.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t worker_start(void (*work)(void *data), void *data)
{
	pid_t worker = fork();

	must(worker >= 0, "fork");
	if (worker)
		return worker;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	work(data);
	_exit(EXIT_SUCCESS);
}

void worker_join(pid_t worker)
{
	int status;

	must(waitpid(worker, &status, 0) == worker, "waitpid");
	if (status)
		exit(EXIT_FAILURE);
}

void worker_stop(pid_t worker)
{
	kill(worker, SIGKILL);
	must(waitpid(worker, NULL, 0) == worker, "waitpid");
}
