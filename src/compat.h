/* SPDX-License-Identifier: GPL-2.0-only */
/* What older kernels lack, with the interface of the newest kernel. */
#ifndef KE_COMPAT_H
#define KE_COMPAT_H

#include <linux/rbtree.h>
#include <linux/uaccess.h>
#include <linux/version.h>

/* Since 5.12. The names are our own, because a distribution may have backported the originals. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 12, 0)
#define rb_add		ke_compat_rb_add
#define rb_find		ke_compat_rb_find

static inline void rb_add(struct rb_node *node, struct rb_root *tree,
			  bool (*less)(struct rb_node *, const struct rb_node *))
{
	struct rb_node **place = &tree->rb_node;
	struct rb_node *parent = NULL;

	while (*place) {
		parent = *place;
		place = less(node, parent) ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(node, parent, place);
	rb_insert_color(node, tree);
}

static inline struct rb_node *rb_find(const void *key, const struct rb_root *tree,
				      int (*cmp)(const void *key, const struct rb_node *))
{
	struct rb_node *node = tree->rb_node;
	int order;

	while (node) {
		order = cmp(key, node);
		if (!order)
			break;
		node = order < 0 ? node->rb_left : node->rb_right;
	}
	return node;
}
#endif

/*
 * copy_from_user() and copy_to_user() without check_object_size(). Since 6.12 the functions
 * with one underscore may be missing where they are inlined.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0) && defined(INLINE_COPY_FROM_USER)
#define ke_compat_copy_from_user	_inline_copy_from_user
#else
#define ke_compat_copy_from_user	_copy_from_user
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0) && defined(INLINE_COPY_TO_USER)
#define ke_compat_copy_to_user		_inline_copy_to_user
#else
#define ke_compat_copy_to_user		_copy_to_user
#endif

#endif /* KE_COMPAT_H */
