/* SPDX-License-Identifier: GPL-2.0-only */
/* The module from outside: its parameters, its memory, its coming and going. */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>

#define QUEUES "kevents_queue"
#define EVENTS "kevents_event"
#define CACHES "kevents_"	/* all of them */
#define SPARE 1			/* of these, kept by each account that sends */

/* Objects of a slab cache that are in use. */
long slab_objects(const char *cache);

/* Bytes of the objects in use of all caches whose names begin so, as they were asked for. */
long slab_bytes(const char *caches);

/* Bytes of the pages that all caches take whose names begin so. */
long slab_pages(const char *caches);

/* Bytes that an object of a slab cache takes, with what the allocator adds. */
long slab_object_size(const char *cache);

#define SLABS_PADDED "this kernel pads objects to debug them"

/* Whether the kernel adds to objects what it looks for errors with. */
bool slabs_are_padded(void);

/* What an object of a slab cache takes, of what was asked for. */
double slab_growth(const char *cache);

/* Returns when no more than this many are left. */
void slab_wait_down_to(const char *cache, long objects);

/* Idle queues that the module keeps for reuse. */
#define IDLE_QUEUES 1024

/*
 * Uses as many other IDs in this namespace as push every idle queue out that is kept;
 * returns how many queues there are then.
 */
long replace_idle_queues(void);

/* Sets a parameter; returns 0 or -errno. */
int parameter_set(const char *name, const char *value);
long parameter_get(const char *name);

/* False where the tests do not know the module's file ($KEVENTS_MODULE). */
bool module_is_known(void);

/* 0 or -errno; what has been loaded has the device's old owner and mode. */
int module_load(void);
int module_load_with(const char *parameters);
int module_unload(void);

#endif /* MODULE_H */
