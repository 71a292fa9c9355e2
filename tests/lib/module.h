/* SPDX-License-Identifier: GPL-2.0-only */
/* The module from outside: its parameters, its memory, loading and unloading. */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>

#define QUEUES "kevents_queue"
#define EVENTS "kevents_event"
#define CACHES "kevents_"	/* prefix of all caches */
#define SPARE 1			/* events that each account keeps for its next send */

/* Returns how many objects are in use in all caches whose names start so. */
long slab_objects(const char *cache);

/* Likewise the bytes of these objects, without the allocator's padding. */
long slab_bytes(const char *caches);

/* Likewise the bytes of the pages of these caches. */
long slab_pages(const char *caches);

/*
 * Returns the bytes of an object of a slab cache, the allocator's padding included, without what
 * a debug kernel adds.
 */
long slab_object_size(const char *cache);

#define SLABS_PADDED "this kernel pads objects to debug them"

/* Returns whether the kernel adds debugging data to objects. */
bool slabs_are_padded(void);

/* Returns the padded size of an object divided by its requested size. */
double slab_growth(const char *cache);

/* Waits until at most this many objects are in use. */
void slab_wait_down_to(const char *cache, long objects);

/* Idle queues that the module keeps for reuse. */
#define IDLE_QUEUES 1024

/*
 * Uses so many other IDs in this namespace that they evict every idle queue. Returns how
 * many queues there are afterwards.
 */
long replace_idle_queues(void);

/* Returns 0 or -errno. */
int parameter_set(const char *name, const char *value);
long parameter_get(const char *name);

/* Returns whether $KEVENTS_MODULE names the module's file. */
bool module_is_known(void);

/* Return 0 or -errno. A load gives the device the owner and mode from before the unload. */
int module_load(void);
int module_load_with(const char *parameters);
int module_unload(void);

#endif /* MODULE_H */
