// SPDX-License-Identifier: GPL-2.0-only
// What was given to its cache, or to a function of ours that ends it, is not
// touched again. The kernel's own script knows kfree() and its like alone.
// Options: --no-includes --include-headers
virtual report

@freed exists@
position end, p;
identifier f =~ "^(ke_.*_(free|free_memory|destroy|put)|kmem_cache_free)$";
identifier x, member;
expression e;
iterator loop;
statement body;
@@
(
 f@end(x)
|
 f@end(e, x)
|
 kfree_rcu@end(x, member)
)
 ... when != x = e
     when != &x
     when != loop(x, ...) body
(
 x@p->member
|
 *x@p
|
 f(x@p)
|
 f(e, x@p)
)

@script:python depends on report@
p << freed.p;
x << freed.x;
end << freed.end;
@@
coccilib.report.print_report(p[0], "%s was freed or put in line %s" % (x, end[0].line))
