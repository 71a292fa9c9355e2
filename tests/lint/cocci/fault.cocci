// SPDX-License-Identifier: GPL-2.0-only
// What copies to and from user space returns how many bytes are left: never less
// than 0, and no error to hand on.
// Options: --no-includes --include-headers
virtual report

@less@
position p;
identifier copy =~ "^(__)?(copy_(from|to|in)_user|clear_user)(_inatomic)?$";
expression x;
@@
(
 copy(...)@p < 0
|
 copy(...)@p <= 0
|
 copy(...)@p >= 0
|
 (x = copy(...))@p < 0
)

@stored@
position p;
identifier copy =~ "^(__)?(copy_(from|to|in)_user|clear_user)(_inatomic)?$";
identifier x;
expression e;
@@
 x = copy(...);
 ... when != x = e
 x@p < 0

@returned@
position p;
identifier copy =~ "^(__)?(copy_(from|to|in)_user|clear_user)(_inatomic)?$";
@@
 return copy(...)@p;

@script:python depends on report@
p << less.p;
copy << less.copy;
@@
coccilib.report.print_report(p[0], "%s() returns no negative number" % copy)

@script:python depends on report@
p << stored.p;
copy << stored.copy;
@@
coccilib.report.print_report(p[0], "%s() returns no negative number" % copy)

@script:python depends on report@
p << returned.p;
copy << returned.copy;
@@
coccilib.report.print_report(p[0], "%s() returns the bytes left, not an error" % copy)
