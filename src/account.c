// SPDX-License-Identifier: GPL-2.0-only
#include "account.h"

#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

/*
 * Space
 *
 * A charge is tested against all limits and made in one step, under one lock. A sender that
 * finds no space waits in a line of its account. An account has two lines: one for senders
 * that pass its limits, and one for the others. An uncharge makes the charge of the first
 * sender of a line if that fits now, and wakes the sender. A blocked sender thus sleeps until
 * its charge has been made, and the senders of a line are served in order.
 *
 * A sender that waits for a large event does not hold up other accounts. An account may hold
 * a quarter of what is free, which bounds what the others take meanwhile.
 *
 * An uncharge serves its own account and some of the others, round robin. If more may be left
 * to do, a worker serves all accounts.
 */

#define SERVE_MAX	8	/* other accounts served, and senders charged, in one step */

/* Replaced by ke_account_init() unless the parameter has been set. */
#define MAX_BYTES_UNSET	ULONG_MAX
#define MAX_BYTES_DEFAULT (256UL << 20)

struct ke_limits ke_limits = {
	.max_event_size = 65536,
	.max_bytes = MAX_BYTES_UNSET,
	.user_max_bytes = 32UL << 20,
};

struct ke_charges ke_charges = {
	.lock = __SPIN_LOCK_UNLOCKED(ke_charges.lock),
	.waiting = LIST_HEAD_INIT(ke_charges.waiting),
};

struct workqueue_struct *ke_workqueue;

struct kmem_cache *ke_account_spare_cache;

static DEFINE_HASHTABLE(accounts, 8);	/* ke_charges.lock */

/* A blocked sender, on its stack. */
struct space_waiter {
	struct list_head entry;		/* ke_charges.lock: on ke_space_line.senders */
	const struct ke_identity *identity;
	unsigned long bytes;
	struct task_struct *task;
	bool charged;			/* set under ke_charges.lock, after unlinking entry */
};

/* Pollers that have space and are to be woken by the worker. */
static LIST_HEAD(ready_pollers);	/* ke_charges.lock */
static const struct ke_space_poller *waking;	/* ke_charges.lock: last one taken, or NULL */
static DEFINE_MUTEX(wake_mutex);	/* held while the worker wakes a poller */

static void wake_pollers(struct work_struct *work);
static DECLARE_WORK(wake_work, wake_pollers);
static void recheck(struct work_struct *work);
static DECLARE_WORK(recheck_work, recheck);

/*
 * Finds the key of the account of @cred. The outermost user namespace below the initial one
 * counts for its owner, or for itself if root owns it.
 */
static void find_owner(const struct cred *cred, kuid_t *uid, struct user_namespace **ns)
{
	struct user_namespace *at = cred->user_ns;

	*uid = cred->uid;
	*ns = NULL;
	for (; at != &init_user_ns; at = at->parent) {
		*ns = at;
		*uid = at->owner;
	}
	if (!uid_eq(*uid, GLOBAL_ROOT_UID))
		*ns = NULL;
}

static u32 hash_of(kuid_t uid, const struct user_namespace *ns)
{
	return __kuid_val(uid) ^ hash_ptr(ns, 32);
}

static struct ke_account *lookup(kuid_t uid, const struct user_namespace *ns)
{
	struct ke_account *account;

	lockdep_assert_held(&ke_charges.lock);
	hash_for_each_possible(accounts, account, node, hash_of(uid, ns))
		if (uid_eq(account->uid, uid) && account->ns == ns)
			return account;
	return NULL;
}

static void init_line(struct ke_space_line *line)
{
	INIT_LIST_HEAD(&line->senders);
	INIT_LIST_HEAD(&line->pollers);
}

static struct ke_account *create(kuid_t uid, struct user_namespace *ns)
{
	struct ke_account *account = kzalloc(sizeof(*account),
					     GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	if (!account)
		return NULL;
	account->uid = uid;
	account->ns = ns ? get_user_ns(ns) : NULL;
	init_line(&account->lines[false]);
	init_line(&account->lines[true]);
	INIT_LIST_HEAD(&account->waiting);
	return account;
}

static void destroy(struct ke_account *account)
{
	if (account->spare)
		kmem_cache_free(ke_account_spare_cache, account->spare);
	if (account->ns)
		put_user_ns(account->ns);
	kfree(account);
}

/*
 * Counts a file in the account of the key and returns the account. If there is none, @new
 * becomes the account. Returns NULL if @new is NULL, too.
 */
static struct ke_account *add_file(kuid_t uid, struct user_namespace *ns,
				   struct ke_account *new)
{
	struct ke_account *account;

	spin_lock(&ke_charges.lock);
	account = lookup(uid, ns);
	if (!account && new) {
		account = new;
		hash_add(accounts, &new->node, hash_of(uid, ns));
	}
	if (account)
		account->files++;
	spin_unlock(&ke_charges.lock);
	return account;
}

struct ke_account *ke_account_get(const struct cred *cred)
{
	struct ke_account *account, *new;
	struct user_namespace *ns;
	kuid_t uid;

	find_owner(cred, &uid, &ns);
	account = add_file(uid, ns, NULL);
	if (account)
		return account;
	new = create(uid, ns);
	if (!new)
		return NULL;
	account = add_file(uid, ns, new);
	if (account != new)
		destroy(new);
	return account;
}

void ke_account_unlock_unused(struct ke_account *account)
	__releases(&ke_charges.lock)
{
	lockdep_assert_held(&ke_charges.lock);
	hash_del(&account->node);
	spin_unlock(&ke_charges.lock);
	destroy(account);
}

void ke_account_put(struct ke_account *account)
{
	spin_lock(&ke_charges.lock);
	if (!--account->files && !account->bytes)
		ke_account_unlock_unused(account);
	else
		spin_unlock(&ke_charges.lock);
}

static struct ke_space_line *line_of(const struct ke_identity *identity)
{
	return &identity->account->lines[identity->passes_limits];
}

static void set_waiting(struct ke_account *account)
{
	if (!list_empty(&account->waiting))
		return;
	list_add_tail(&account->waiting, &ke_charges.waiting);
	ke_charges.n_waiting++;
}

static bool line_is_empty(const struct ke_space_line *line)
{
	return list_empty(&line->senders) && list_empty(&line->pollers);
}

static void clear_waiting(struct ke_account *account)
{
	if (list_empty(&account->waiting) || !line_is_empty(&account->lines[false]) ||
	    !line_is_empty(&account->lines[true]))
		return;
	list_del_init(&account->waiting);
	ke_charges.n_waiting--;
}

/* Charges and wakes the first sender of @line. Returns false if there is none or no space. */
static bool serve_sender(struct ke_space_line *line)
{
	struct space_waiter *waiter;

	waiter = list_first_entry_or_null(&line->senders, struct space_waiter, entry);
	if (!waiter || ke_account_check_locked(waiter->identity, waiter->bytes))
		return false;
	ke_account_add_locked(waiter->identity->account, waiter->bytes);
	list_del(&waiter->entry);
	/* The lock keeps @waiter: ke_charge_wait() takes it before it returns. */
	WRITE_ONCE(waiter->charged, true);
	wake_up_process(waiter->task);
	return true;
}

/*
 * Demands no more than half of what the account could hold alone, so that a low limit does not
 * make the file unwritable for ever. Alone, an account can hold a fifth of max_bytes, which
 * is a quarter of the rest. The least demand is a byte, so that a limit of 0 leaves no space.
 */
static bool has_polled_space(const struct ke_space_poller *poller)
{
	const unsigned long bytes = READ_ONCE(ke_limits.max_event_bytes) + poller->extra;
	const struct ke_identity *identity = poller->identity;
	unsigned long most = READ_ONCE(ke_limits.max_bytes);

	if (!identity->passes_limits)
		most = min(READ_ONCE(ke_limits.user_max_bytes), most / 5);
	return !ke_account_check_locked(identity, clamp(bytes, 1UL, max(most / 2, 1UL)));
}

/* Pollers of one line differ in extra alone, so the first decides for all. */
static void collect_pollers(struct ke_space_line *line)
{
	struct ke_space_poller *first;

	first = list_first_entry_or_null(&line->pollers, struct ke_space_poller, entry);
	if (!first || !has_polled_space(first))
		return;
	list_splice_tail_init(&line->pollers, &ready_pollers);
	queue_work(ke_workqueue, &wake_work);
}

/* Serves up to *@left senders of @account, those that pass its limits first, and its pollers. */
static void serve(struct ke_account *account, unsigned int *left)
{
	struct ke_space_line *line = &account->lines[ARRAY_SIZE(account->lines)];

	do {
		line--;
		while (*left && serve_sender(line))
			--*left;
		collect_pollers(line);
	} while (line != account->lines);
	clear_waiting(account);
}

/* Serves the next account and moves it behind the others. */
static void serve_next(unsigned int *left)
{
	struct ke_account *account;

	account = list_first_entry(&ke_charges.waiting, struct ke_account, waiting);
	list_rotate_left(&ke_charges.waiting);
	serve(account, left);
}

void ke_account_serve_locked(struct ke_account *account)
{
	unsigned int accounts = SERVE_MAX, senders = SERVE_MAX;

	lockdep_assert_held(&ke_charges.lock);
	if (!list_empty(&account->waiting))
		serve(account, &senders);
	while (accounts && senders && !list_empty(&ke_charges.waiting)) {
		serve_next(&senders);
		accounts--;
	}
	if (!senders || ke_charges.n_waiting > SERVE_MAX)
		queue_work(ke_workqueue, &recheck_work);
}

static void recheck(struct work_struct *work)
{
	unsigned int accounts, senders;

	spin_lock(&ke_charges.lock);
	accounts = ke_charges.n_waiting;
	while (accounts && !list_empty(&ke_charges.waiting)) {
		senders = SERVE_MAX;
		serve_next(&senders);
		/* An account that has used up its share may have more senders to serve. */
		if (senders)
			accounts--;
		/* Bound the time for which the lock is held. */
		spin_unlock(&ke_charges.lock);
		cond_resched();
		spin_lock(&ke_charges.lock);
	}
	spin_unlock(&ke_charges.lock);
}

void ke_account_recheck_all(void)
{
	/* Parameters can be set before ke_account_init() and after ke_account_exit(). */
	if (ke_workqueue)
		queue_work(ke_workqueue, &recheck_work);
}

static int sleep_until_charged(const struct space_waiter *waiter, ktime_t *deadline)
{
	bool in_time = !deadline || ktime_get() < *deadline;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(waiter->charged))
			return 0;
		/* Checked before signals, so that a wait that keeps restarting times out. */
		if (!in_time)
			return -ETIMEDOUT;
		if (signal_pending(current))
			return -ERESTARTSYS;
		in_time = schedule_hrtimeout_range(deadline, current->timer_slack_ns,
						   HRTIMER_MODE_ABS);
	}
}

int ke_charge_wait(const struct ke_identity *identity, unsigned long bytes,
		   ktime_t *deadline)
{
	struct ke_account *account = identity->account;
	struct ke_space_line *line = line_of(identity);
	struct space_waiter waiter = {
		.identity = identity,
		.bytes = bytes,
		.task = current,
	};
	int err;

	spin_lock(&ke_charges.lock);
	list_add_tail(&waiter.entry, &line->senders);
	set_waiting(account);
	if (list_is_first(&waiter.entry, &line->senders))
		serve_sender(line);
	clear_waiting(account);
	spin_unlock(&ke_charges.lock);

	err = sleep_until_charged(&waiter, deadline);
	__set_current_state(TASK_RUNNING);

	spin_lock(&ke_charges.lock);
	if (waiter.charged) {
		err = 0;
	} else {
		list_del(&waiter.entry);
		/* The senders behind this one may need less. */
		ke_account_serve_locked(account);
	}
	spin_unlock(&ke_charges.lock);
	return err;
}

/* Wakes all exclusive waiters, because the first may not be waiting for EPOLLOUT. */
static void wake_poller(struct ke_space_poller *poller)
{
	if (wq_has_sleeper(poller->wait))
		__wake_up(poller->wait, TASK_NORMAL, 0, poll_to_key(EPOLLOUT | EPOLLWRNORM));
}

static struct ke_space_poller *next_ready_poller(void)
{
	struct ke_space_poller *poller;

	spin_lock(&ke_charges.lock);
	poller = list_first_entry_or_null(&ready_pollers, struct ke_space_poller, entry);
	if (poller)
		list_del_init(&poller->entry);
	waking = poller;
	spin_unlock(&ke_charges.lock);
	return poller;
}

static void wake_pollers(struct work_struct *work)
{
	struct ke_space_poller *poller;

	do {
		mutex_lock(&wake_mutex);
		poller = next_ready_poller();
		if (poller)
			wake_poller(poller);
		mutex_unlock(&wake_mutex);
		cond_resched();
	} while (poller);
}

void ke_space_poller_init(struct ke_space_poller *poller,
			  const struct ke_identity *identity, wait_queue_head_t *wait)
{
	poller->identity = identity;
	poller->wait = wait;
	INIT_LIST_HEAD(&poller->entry);
	poller->extra = 0;
}

static void add_poller(struct ke_space_poller *poller)
{
	lockdep_assert_held(&ke_charges.lock);
	if (!list_empty(&poller->entry))
		return;
	list_add_tail(&poller->entry, &line_of(poller->identity)->pollers);
	set_waiting(poller->identity->account);
}

bool ke_space_poll(struct ke_space_poller *poller, unsigned int extra)
{
	bool has_space;

	spin_lock(&ke_charges.lock);
	poller->extra = extra;
	has_space = has_polled_space(poller);
	if (!has_space)
		add_poller(poller);
	spin_unlock(&ke_charges.lock);
	return has_space;
}

void ke_space_refused(struct ke_space_poller *poller, unsigned long bytes)
{
	const struct ke_identity *identity = poller->identity;

	if (!wq_has_sleeper(poller->wait))
		return;
	spin_lock(&ke_charges.lock);
	add_poller(poller);
	if (!ke_account_check_locked(identity, bytes))
		collect_pollers(line_of(identity));
	clear_waiting(identity->account);
	spin_unlock(&ke_charges.lock);
}

void ke_space_poller_exit(struct ke_space_poller *poller)
{
	bool is_waking;

	spin_lock(&ke_charges.lock);
	list_del_init(&poller->entry);
	clear_waiting(poller->identity->account);
	is_waking = waking == poller;
	spin_unlock(&ke_charges.lock);
	if (!is_waking)
		return;
	mutex_lock(&wake_mutex);
	mutex_unlock(&wake_mutex);
}

int ke_account_init(void)
{
	const unsigned long memory = totalram_pages() << PAGE_SHIFT;

	if (ke_limits.max_bytes == MAX_BYTES_UNSET)
		ke_limits.max_bytes = min(memory / 8, MAX_BYTES_DEFAULT);
	ke_workqueue = alloc_workqueue("kevents", WQ_UNBOUND, 0);
	return ke_workqueue ? 0 : -ENOMEM;
}

void ke_account_exit(void)
{
	struct workqueue_struct *workqueue = ke_workqueue;

	kernel_param_lock(THIS_MODULE);
	ke_workqueue = NULL;
	kernel_param_unlock(THIS_MODULE);
	destroy_workqueue(workqueue);
}
