// SPDX-License-Identifier: GPL-2.0-only
// A loop over a list that takes its element off the list, or ends it, and goes
// on is one of those that are safe for it.
// Options: --no-includes --include-headers
virtual report

@braced exists@
position p;
iterator loop;
identifier f =~ "^(list_(del|move)|hlist_del|kfree|kmem_cache_free|ke_.*_(free|destroy))";
identifier x, member;
expression e;
@@
 loop(x, ...) { ... \(f@p(x)\|f@p(&x->member)\|f@p(&x->member, e)\|f@p(e, x)\)
  ... when != break;
      when != return ...;
 }

@bare@
position p;
iterator loop;
identifier f =~ "^(list_(del|move)|hlist_del|kfree|kmem_cache_free|ke_.*_(free|destroy))";
identifier x, member;
expression e;
@@
 loop(x, ...) \(f@p(x)\|f@p(&x->member)\|f@p(&x->member, e)\|f@p(e, x)\);

@script:python depends on report@
p << braced.p;
f << braced.f;
x << braced.x;
loop << braced.loop;
@@
if "_safe" not in loop:
	coccilib.report.print_report(p[0], "%s() ends what %s() goes on from, %s" % (f, loop, x))

@script:python depends on report@
p << bare.p;
f << bare.f;
x << bare.x;
loop << bare.loop;
@@
if "_safe" not in loop:
	coccilib.report.print_report(p[0], "%s() ends what %s() goes on from, %s" % (f, loop, x))
