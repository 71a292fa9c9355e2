/* SPDX-License-Identifier: GPL-2.0-only */
/* Steps of a sequence: each makes calls and checks them against the model. */
#ifndef STEPS_H
#define STEPS_H

#include "broker.h"
#include "fuzz.h"

/* Ends the round unless the call returned what it has to. */
void expect(const char *call, long result, long expected);

unsigned int some_id(void);
int some_client(void);
uint32_t some_bit(void);
uint32_t some_len(void);

/* The index of an ID. */
unsigned int index_of(int id);

/* A time to wait for room, without an end where there may be none. */
int some_send_timeout(void);

/* What was told of an event, where a call tells it. */
void check_told(const struct event *event, const struct kevents_received *told);

/* The payload is there, and behind it the buffer is full of FILL as it was. */
#define FILL 0xa5
void check_payload(const struct event *event, const uint8_t *data, uint64_t size,
		   bool terminate);

/* What the kernel says of an ID, which must be what the model says. */
void step_stat(void);

/* The same of each ID of each broker, asked by root. */
void check_all(void);

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
void step_info(void);
void step_bad_argument(void);
void step_nonsense(void);
void step_user(void);
void step_setting(void);
void step_broker(void);
void step_namespace(void);
void step_reopen(void);
void step_fork(void);

#endif /* STEPS_H */
