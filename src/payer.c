// SPDX-License-Identifier: GPL-2.0-only
#include "payer.h"

#include <linux/kernel.h>

#include "quota.h"

void ke_payer_init(struct ke_payer *payer, struct ke_user *user)
{
	refcount_inc(&user->refs);
	payer->user = user;
	INIT_LIST_HEAD(&payer->holders);
	payer->own = 0;
	payer->unchecked = false;
}

void ke_payer_end(struct ke_payer *payer, struct ke_charge charge)
{
	ke_quota_uncharge(payer->user, charge);
	ke_user_put(payer->user);
}

/* Returns who was charged before. */
static struct ke_user *replace(struct ke_payer *payer, struct ke_user *user)
{
	struct ke_user *old = payer->user;

	refcount_inc(&user->refs);
	payer->user = user;
	payer->own = 0;
	return old;
}

int ke_payer_change(struct ke_payer *payer, const struct ke_identity *identity,
		    struct ke_charge charge)
{
	struct ke_user *old;
	int err;

	if (payer->user == identity->user)
		return 0;
	err = ke_quota_charge(identity, charge);
	if (err)
		return err;
	payer->unchecked = false;
	old = replace(payer, identity->user);
	ke_quota_uncharge(old, charge);
	ke_user_put(old);
	return 0;
}

int ke_payer_confirm(struct ke_payer *payer, const struct ke_identity *identity)
{
	int err;

	if (!payer->unchecked)
		return 0;
	err = ke_quota_confirm_id(identity);
	payer->unchecked = err;
	return err;
}

static struct ke_user *who_pays(const struct ke_payer *payer)
{
	struct ke_holder *holder;

	list_for_each_entry(holder, &payer->holders, entry)
		if (holder->user == payer->user)
			return holder->user;
	return list_first_entry(&payer->holders, struct ke_holder, entry)->user;
}

bool ke_payer_settle(struct ke_payer *payer, struct ke_charge charge)
{
	struct ke_user *user = who_pays(payer), *old;

	if (payer->user == user) {
		payer->own = max(payer->own, 1U);
		return false;
	}
	old = replace(payer, user);
	payer->own = 1;
	payer->unchecked = !ke_quota_move(old, user, charge);
	ke_user_put(old);
	return true;
}

void ke_payer_add(struct ke_payer *payer, struct ke_holder *holder)
{
	list_add_tail(&holder->entry, &payer->holders);
	if (holder->user == payer->user)
		payer->own++;
}

void ke_payer_remove(struct ke_payer *payer, struct ke_holder *holder)
{
	list_del(&holder->entry);
	if (holder->user == payer->user && payer->own)
		payer->own--;
}
