/* SPDX-License-Identifier: GPL-2.0-only */
/* Steps of a sequence: each makes calls and checks them against the model. */
#ifndef STEPS_H
#define STEPS_H

#include "broker.h"

/* Ends the round unless the call returned what it has to. */
void expect(const char *call, long result, long expected);

unsigned int some_id(void);
int some_client(void);
uint32_t some_len(void);

/* What the kernel says of an ID, which must be what the model says. */
void step_stat(void);

/* Waits until so many milliseconds have passed for sure, and what ends by then has. */
void outlast_ms(unsigned int id, unsigned int ms);

void step_send(void);
void step_send_batch(void);
void step_write(void);

void step_receive(void);
void step_receive_watched(void);
void step_receive_batch(void);
void step_read(void);

void step_poll(void);
void step_poll_file(void);
void step_watch(void);
void step_unwatch(void);
void step_lease(void);
void step_purge(void);
void step_claim(void);
void step_list(void);
void step_limits(void);
void step_nonsense(void);
void step_reopen(void);
void step_fork(void);

#endif /* STEPS_H */
