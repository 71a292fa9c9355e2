/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kevents

#if !defined(KE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KE_TRACE_H

#include <linux/tracepoint.h>

/* Transitions of an event. The sender's pid and uid are those of the initial namespaces. */
DECLARE_EVENT_CLASS(kevents_event, TP_PROTO(const struct ke_event *event),
		    TP_ARGS(event),
	TP_STRUCT__entry(
		__field(int, id)
		__field(u64, seq)
		__field(u32, len)
		__field(u32, deliveries)
		__field(pid_t, sender)
		__field(uid_t, uid)
	),
	TP_fast_assign(
		__entry->id = event->queue->id;
		__entry->seq = event->seq;
		__entry->len = event->len;
		__entry->deliveries = event->deliveries;
		__entry->sender = pid_nr(event->pid);
		__entry->uid = __kuid_val(event->uid);
	),
	TP_printk("id=%d seq=%llu len=%u deliveries=%u sender=%d uid=%u",
		  __entry->id, __entry->seq, __entry->len, __entry->deliveries,
		  __entry->sender, __entry->uid)
);

#define KE_TRACE_EVENT(name)				\
	DEFINE_EVENT(kevents_event, name,		\
		     TP_PROTO(const struct ke_event *event), TP_ARGS(event))

KE_TRACE_EVENT(kevents_send);
KE_TRACE_EVENT(kevents_receive);
KE_TRACE_EVENT(kevents_lease);
KE_TRACE_EVENT(kevents_ack);
KE_TRACE_EVENT(kevents_return);
KE_TRACE_EVENT(kevents_expire);

/* A send that failed; error is the negative errno. */
TRACE_EVENT(kevents_refuse, TP_PROTO(int id, u64 len, int error),
	    TP_ARGS(id, len, error),
	TP_STRUCT__entry(
		__field(int, id)
		__field(u64, len)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->len = len;
		__entry->error = error;
	),
	TP_printk("id=%d len=%llu error=%d", __entry->id, __entry->len,
		  __entry->error)
);

#endif /* KE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
