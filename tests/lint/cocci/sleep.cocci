// SPDX-License-Identifier: GPL-2.0-only
// Nothing sleeps under a spinlock, taken here or by the caller, or in an RCU
// reader, up to the first unlock. What is asserted by the name of lock is a
// spinlock.
// Options: --no-includes --include-headers
virtual report

@sleeps exists@
position at, p;
identifier f =~ "^(copy_(from|to)_user|clear_user|fault_in_.*|mutex_lock.*|down_(read|write).*|wait_event.*|wait_for_completion.*|schedule.*|msleep.*|usleep_range.*|fsleep|cond_resched|might_sleep|synchronize_rcu.*|rcu_barrier|flush_work.*|cancel_.*work_sync|kvmalloc.*|kvzalloc.*|kvfree|vmalloc|vfree)$";
identifier g;
expression e;
@@
 \(spin_lock@at(...)\|spin_lock_irq@at(...)\|spin_lock_bh@at(...)\|lockdep_assert_held@at(&e->lock)\|rcu_read_lock@at()\)
 ... when != \(spin_unlock\|spin_unlock_irq\|spin_unlock_bh\)(...)
     when != rcu_read_unlock()
 \(f@p(...)\|g@p(..., <+... \(GFP_KERNEL\|GFP_KERNEL_ACCOUNT\|GFP_USER\) ...+>, ...)\)

@script:python depends on report@
p << sleeps.p;
at << sleeps.at;
@@
coccilib.report.print_report(p[0], "may sleep under what line %s took or asserts" % at[0].line)
