/* SPDX-License-Identifier: GPL-2.0-only */
/* The steps of a sequence. Each makes calls and checks them against the model. */
#ifndef STEPS_H
#define STEPS_H

#include "broker.h"
#include "fuzz.h"

/* Ends the round unless the call returned the expected result. */
void expect(const char *call, long result, long expected);

unsigned int some_id(void);
int some_client(void);
uint32_t some_bit(void);
uint32_t some_len(void);

/* Returns the index of a random ID. */
unsigned int index_of(int id);

/* Returns a time to wait for room, without limit if the call is sure to return. */
int some_send_timeout(void);

/* Checks the fields of a received event. */
void check_told(const struct event *event, const struct kevents_received *told);

/* Checks the payload, and that the buffer after it still has only FILL. */
#define FILL 0xa5
void check_payload(const struct event *event, const uint8_t *data, uint64_t size,
		   bool terminate);

/* Checks the statistics of an ID against the model. */
void step_stat(void);

/* Checks the statistics of each ID of each broker, as root. */
void check_all(void);

/* Waits at least this many milliseconds, and until what ends by then has ended. */
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
