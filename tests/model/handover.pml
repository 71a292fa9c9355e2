/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How an event meets a receiver that waits, step by step as src/ does it and under its
 * names: queue.c (waiters, watches, what is wakeups), receive.c, watch.c, lease.c, client.c
 * (watches), control.c (claims), broker.c (the worker). One ID, two senders, two receivers,
 * three events.
 *
 * A receiver waits for the ID, or for what its client watches, or polls that by edges, as
 * epoll does; both may share a client. It waits for ever, or until a time-out, a signal or
 * a kill, which come at any moment. Its buffer may be too small, the copy may fail, or never
 * end. It takes the event, or leases it and acknowledges it, gives it back or closes its
 * client; from what it watches it may take two at a time, or one of another ID instead.
 * Leases and events may reach their time limit. A claim may forbid a client to receive for a
 * while; another thread of a client may receive by the ID, or end its watch and begin it
 * again. Whatever can be chosen is chosen in every possible way.
 *
 * A section under the queue's lock is one step, unless it enters the lock of a ready list
 * twice: others may come in between there, under that lock alone. A call wakes, tells or
 * judges one at most and leaves the rest to the worker, so whatever larger portions do is
 * among what is gone through here.
 *
 * Left out is
 *
 * - which event is the oldest. Here it is the one that was sent first; its places are
 *   changed under the queue's lock alone.
 * - a second ID, and with it which of a client's watches has its turn. A watcher that takes
 *   an event of another ID is shown by one event that is there without a queue.
 * - how the queue comes and ends, and when what has ended is freed.
 * - peeks: they never wait, and take nothing.
 * - the alarm: the worker, and what is due, runs at any moment, or what is due never does.
 * - the first look of ke_lease_end_lock(), without the queue's lock: the second decides.
 * - senders that wait for space: they append like others when there is some.
 *
 * Which receivers there are, what befalls them, and which step is left out to see that it is
 * missed, comes from the environment: see `run`.
 */

c_decl {
	static int setting(const char *name)
	{
		const char *value = getenv(name);

		return value ? atoi(value) : 0;
	}
}

/* WAY_0, WAY_1: how a receiver waits. */
#define BY_ID		0
#define WATCHED		1
#define POLLED		2
#define POLLED_BY_ID	3	/* polls, and takes it by the ID */
#define WATCHES(way)	(way >= WATCHED)
#define POLLS(way)	(way >= POLLED)

/* OTHERS: what interferes. */
#define CLAIM		1	/* forbids a client to receive, for a while */
#define REWATCH		2	/* another thread ends a watch, and begins it again */
#define THREAD		3	/* another thread receives by the ID */

/* BREAK: what is left out. */
#define NO_RECHECK_LISTED 1	/* a watcher does not look again once it is in the list */
#define NO_WAKE_NEXT		2	/* a watcher that was woken and fails wakes no other */
#define NO_WAKE_NEXT_DONE	3	/* nor one that received before it was woken */
#define NO_WAKE_NEXT_NONE	4	/* nor one that finds nothing */
#define NO_WAKE_NEXT_ELSE	5	/* nor one that received another ID */
#define NO_UNDO_OFFER	6	/* an event that comes back is not offered */
#define NO_RETURN_OFFER	7	/* nor one whose lease is over */
#define NO_REARM_LOOK	8	/* a watch is armed again without a look at the queue */
#define NO_REARM_WAKE	9	/* it is told of what is there, its watchers are not woken */
#define NO_CANCEL_CHECK	10	/* a wait is cancelled without a look at what was handed over */
#define WAKEUPS_LOST	11	/* wake-ups that are due are forgotten while watches are armed */
#define ONE_WAKEUP	12	/* a new watch wakes one watcher, however many events wait */
#define BATCH_OWES_ONE	13	/* so does a batch */
#define NO_DEFER	14	/* what a call leaves is not given to the worker */
#define LATE_TO_BED	15	/* a receiver says that it sleeps after its last look */
#define NO_FOUND_EMPTY	16	/* a receive by ID that finds nothing does not arm the watch */
#define NO_FOUND_DENIED	17	/* nor one that is denied */
#define NO_RECHECK	18	/* a claim that changes is not followed by a look at all */
#define KEEP_DENIED	19	/* it leaves denied watches where they are */
#define AHEAD		20	/* a new waiter goes before those that are not judged yet */
#define LAST_FIRST	21	/* the last waiter is served first */
#define NO_MORE		22	/* a watch leaves the sleeping with the first that is woken */
#define NO_HOLDER	23	/* anybody may acknowledge an event */
#define TAKE_IS_END	24	/* an event whose copy fails does not go back */
#define COPY_IN_LINE	25	/* a watcher that copies can still be woken */

#define EVENTS		3
#define STEPS_MAX	1
#define ROUNDS(r)	(2 - r)	/* receives of one receiver */
#define OTHER(r)	(1 - (r))
#define IS(what)	(broken == what)

/* What has to hold, under the names by which pan says that it does not. */
hidden byte there_is_an_event;	/* where one is taken */
hidden byte ends_once;		/* an event */
hidden byte nothing_lost;
hidden byte served_in_order;	/* waiters, as they came */
hidden byte never_both;		/* events and waiters wait, with nothing left to the worker */
hidden byte no_wake_up_lost;	/* a receiver that sleeps has nothing to wait for */
hidden byte told_of_the_claim;	/* no waiter sleeps that may not receive */
hidden byte lists_agree;	/* that of the queue and that of the client */
hidden byte counted_right;
hidden byte nobody_is_stuck;	/* but a receiver that waits for an event or a page */

inline must(property, holds)
{
	property = holds;
	assert(property)
}

mtype = { UNSENT, WAITS, IN_FLIGHT, LEASED, ENDED };

byte broken;
byte way[2];
bool ticks;			/* time limits are reached */
byte others;			/* what interferes */
bool stops;			/* time-outs, signals and kills come */
bool elsewhere;			/* an event of another watched ID */
byte faults;			/* copies that may still fail */

/* ke_queue and its events, by seq */
mtype event[EVENTS] = UNSENT;
byte holder[EVENTS];		/* ke_event.lessee: client + 1 */
bool ended[EVENTS];
byte sent, pending, wakeups;
bool locked;			/* between the steps of a section that has several */
bool working;			/* in ke_queue_work_locked() */
bool deferred;			/* the alarm is set for the worker */
bool forbidden[2];		/* by a claim, to client c */

/* ke_watch of client c: its list in the queue, and whether it is on the client's */
#define NO_WATCH	0
#define ARMED		1
#define READY		2
#define SLEEPING	3
#define DENIED		4
byte list[2];
byte first_watch;		/* where both are in one list */
bool told[2];

/* ke_waiter */
#define WAITERS		1
#define UNCHECKED	2
byte line[2];
byte came[2], comers;
bool done[2];
byte handed[2];			/* event + 1; 0: none, because of an error */

/* ke_watcher */
byte place[2];			/* in the list of its client, from 1 on */
bool woken[2];

/* The receivers' processes. */
byte client[2];
bool runs[2] = true;
bool sleeps[2], gone[2];
bool hangs[2];			/* its page never comes */
bool edge[2];			/* it polls, and has been told */

/* Within a step. */
byte left, e, w;
bool more, others_sleep;

#define IN_LINE		(line[0] || line[1])
#define ANY(l)		(list[0] == l || list[1] == l)
#define FIRST_IN(l)	(list[0] == l && (list[1] != l || first_watch == 0) -> 0 : 1)
#define CAME_FIRST(r)	(line[r] && (!line[OTHER(r)] || line[r] < line[OTHER(r)] || \
	line[r] == line[OTHER(r)] && came[r] < came[OTHER(r)]))
#define HOLDER(r)	(client[r] + 1)
#define SLEEPS_AT(r, c)	(place[r] && client[r] == c)
#define NEXT_AT(r, c)	(SLEEPS_AT(r, c) && \
	(!SLEEPS_AT(OTHER(r), c) || place[r] < place[OTHER(r)]))

inline find(state)
{
	e = 0;
	do
	:: e < EVENTS && event[e] != state -> e++
	:: else -> break
	od;
	must(there_is_an_event, e < EVENTS)
}

inline end(n)
{
	must(ends_once, !ended[n]);
	ended[n] = true;
	event[n] = ENDED;
	holder[n] = 0
}

/* ke_queue_take_locked() of the oldest */
inline take(to)
{
	find(WAITS);
	event[e] = IN_FLIGHT;
	pending--;
	to = e + 1;
	e = 0
}

inline finish_waiter(r)
{
	line[r] = 0;
	done[r] = true;
	runs[r] = true
}

inline hand_over()
{
	do
	:: !IN_LINE || !pending -> break
	:: IN_LINE && pending && !left -> more = true; break
	:: IN_LINE && pending && left ->
		left--;
		w = (CAME_FIRST(0) -> 0 : 1);
		if
		:: IS(LAST_FIRST) && line[0] && line[1] -> w = OTHER(w)
		:: else
		fi;
		if
		:: forbidden[client[w]] -> finish_waiter(w)
		:: else ->
			if
			:: finish_waiter(w)	/* EMSGSIZE */
			:: must(served_in_order, !line[OTHER(w)] || came[w] < came[OTHER(w)]);
			   take(handed[w]);
			   finish_waiter(w)
			fi
		fi;
		w = 0
	od
}

inline recheck_waiters()
{
	do
	:: line[0] != UNCHECKED && line[1] != UNCHECKED -> break
	:: (line[0] == UNCHECKED || line[1] == UNCHECKED) && !left -> more = true; break
	:: (line[0] == UNCHECKED || line[1] == UNCHECKED) && left ->
		left--;
		w = (line[0] == UNCHECKED && (line[1] != UNCHECKED || came[0] < came[1]) -> 0 : 1);
		if
		:: forbidden[client[w]] -> finish_waiter(w)
		:: else -> line[w] = WAITERS
		fi;
		w = 0
	od
}

/* list_move_tail() */
inline move(c, to)
{
	list[c] = to;
	first_watch = (list[OTHER(c)] == to -> OTHER(c) : 0)
}

/* mark_watch_ready() with ke_watch_set_ready() */
inline mark_watch_ready(c)
{
	if
	:: forbidden[c] -> move(c, DENIED)
	:: else ->
		told[c] = true;
		edge[0] = edge[0] || POLLS(way[0]) && client[0] == c && !gone[0];
		edge[1] = edge[1] || POLLS(way[1]) && client[1] == c && !gone[1];
		if
		:: SLEEPS_AT(0, c) || SLEEPS_AT(1, c) -> move(c, SLEEPING)
		:: else -> move(c, READY)
		fi
	fi
}

inline mark_watches_ready()
{
	do
	:: !ANY(ARMED) -> break
	:: ANY(ARMED) && !left -> more = true; break
	:: ANY(ARMED) && left ->
		left--;
		w = FIRST_IN(ARMED);
		mark_watch_ready(w);
		w = 0
	od
}

/* ke_ready_list_wake() */
inline wake_receiver(r)
{
	place[r] = 0;
	woken[r] = true;
	runs[r] = true;
	others_sleep = SLEEPS_AT(OTHER(r), client[r]);
	if
	:: others_sleep -> place[OTHER(r)] = 1
	:: else
	fi;
	wakeups--
}

inline wake_watchers()
{
	wakeups = (wakeups < pending -> wakeups : pending);
	do
	:: !wakeups || !ANY(SLEEPING) -> break
	:: wakeups && ANY(SLEEPING) && !left -> more = true; break
	:: wakeups && ANY(SLEEPING) && left ->
		left--;
		w = FIRST_IN(SLEEPING);
		if
		:: NEXT_AT(0, w) -> wake_receiver(0)
		:: NEXT_AT(1, w) -> wake_receiver(1)
		:: else
		fi;
		if
		:: others_sleep && !IS(NO_MORE) -> move(w, SLEEPING)
		:: else -> move(w, READY)
		fi;
		others_sleep = false;
		w = 0
	od;
	if
	:: !more && (!ANY(ARMED) || IS(WAKEUPS_LOST)) -> wakeups = 0
	:: more && IS(WAKEUPS_LOST) && ANY(ARMED) -> wakeups = 0
	:: else
	fi
}

/* ke_queue_work_locked() */
inline work()
{
	left = STEPS_MAX;
	more = false;
	hand_over();
	recheck_waiters();
	if
	:: pending -> mark_watches_ready(); wake_watchers()
	:: else -> wakeups = 0
	fi;
	left = 0
}

/* __ke_queue_offer_locked(): Worker goes on with it, under the same lock. */
inline offer_waiting(n)
{
	wakeups = wakeups + n;
	locked = true;
	working = true
}

/* ke_queue_offer_locked() */
inline offer(n)
{
	if
	:: IN_LINE || ANY(ARMED) || ANY(SLEEPING) -> offer_waiting(n)
	:: else
	fi
}

/* requeue() */
inline requeue(n, offers)
{
	event[n] = WAITS;
	holder[n] = 0;
	pending++;
	if
	:: offers -> offer(1)
	:: else
	fi
}

/*
 * ke_queue_rearm_watch_locked(), whose second half is a step of its own: rearm_rest().
 * Where the queue is empty there is none.
 */
inline rearm(c)
{
	told[c] = false;
	move(c, ARMED);
	locked = pending && !IS(NO_REARM_LOOK);
	mine = locked
}

inline rearm_rest(c)
{
	if
	:: mine -> atomic {
		mine = false;
		if
		:: IS(NO_REARM_WAKE) -> mark_watch_ready(c); locked = false
		:: IS(ONE_WAKEUP) -> offer_waiting(1)
		:: else -> offer_waiting(pending)
		fi }
	:: else
	fi
}

/* ke_client_found_empty() */
inline found_empty(c)
{
	if
	:: told[c] ->
		atomic { !locked ->
			if
			:: list[c] -> rearm(c)
			:: else
			fi
		};
		rearm_rest(c)
	:: else
	fi
}

/* ke_queue_recheck_locked() */
inline recheck()
{
	if
	:: IS(NO_RECHECK)
	:: else ->
		line[0] = (line[0] -> UNCHECKED : 0);
		line[1] = (line[1] -> UNCHECKED : 0);
		if
		:: IS(KEEP_DENIED)
		:: !IS(KEEP_DENIED) && list[0] == DENIED && list[1] == DENIED ->
			list[0] = ARMED; list[1] = ARMED
		:: !IS(KEEP_DENIED) && list[0] == DENIED && list[1] != DENIED -> move(0, ARMED)
		:: !IS(KEEP_DENIED) && list[0] != DENIED && list[1] == DENIED -> move(1, ARMED)
		:: else
		fi;
		offer_waiting(pending)
	fi
}

/* A time-out ends a sleep as a signal does. */
inline sleep(r)
{
	if
	:: atomic { runs[r] }
	:: atomic { stops && !runs[r] -> signalled = true; runs[r] = true }
	:: atomic { stops && !runs[r] -> killed = true; runs[r] = true }
	/* none of them comes */
	:: atomic { !runs[r] -> sleeps[r] = true };
	   atomic { runs[r] -> sleeps[r] = false }
	fi
}

/* set_current_state(TASK_INTERRUPTIBLE) */
inline lie_down(r, is_late)
{
	if
	:: IS(LATE_TO_BED) == is_late -> runs[r] = false
	:: else
	fi
}

/* sleep_until_done(), sleep_until_woken() */
inline sleep_until(r, what)
{
	do
	:: signalled || killed -> break
	:: !signalled && !killed ->
		lie_down(r, false);
		if
		:: what -> runs[r] = true; break
		:: !what -> lie_down(r, true); sleep(r)
		fi
	od
}

/*
 * copy_one() or copy_run(): events `first` and `second` are in flight. A page may be bad, or
 * never come; a kill is looked at before each copy.
 */
inline copy(r)
{
	atomic {
		if
		:: killed
		:: !killed -> n_copied = 1
		:: !killed && faults -> faults--; failed = true
		:: !killed && faults -> faults--; hangs[r] = true; false
		:: !killed && stops -> killed = true
		fi;
		if
		:: n_copied && second -> n_copied = 2
		:: n_copied && second && faults -> faults--; failed = true
		:: n_copied && second && stops -> killed = true
		:: else
		fi
	};
	got = n_copied > 0;
	/* settle_locked() */
	if
	:: n_copied == 1 && !second -> atomic { !locked ->
		event[first - 1] = LEASED;
		holder[first - 1] = HOLDER(r);
		lease = first }
	:: n_copied == 0 || n_copied == 1 && second ->
		atomic { !locked ->
			if
			:: IS(TAKE_IS_END)
			:: !IS(TAKE_IS_END) && n_copied == 0 && second ->
				requeue(first - 1, !IS(NO_UNDO_OFFER))
			:: !IS(TAKE_IS_END) && n_copied == 0 && !second ->
				requeue(first - 1, !IS(NO_UNDO_OFFER));
			:: else -> requeue(second - 1, !IS(NO_UNDO_OFFER))
			fi
		};
		if
		:: n_copied == 0 && second && !IS(TAKE_IS_END) -> atomic { !locked ->
			requeue(second - 1, !IS(NO_UNDO_OFFER)) }
		:: else
		fi
	:: n_copied == 2 || n_copied == 1 && !second
	fi;
	/* ke_queue_consume() */
	atomic {
		if
		:: n_copied && !lease -> end(first - 1)
		:: else
		fi;
		if
		:: n_copied == 2 -> end(second - 1)
		:: else
		fi;
		first = 0; second = 0; n_copied = 0
	}
}

/* Nobody overtakes waiters but while the worker is to serve them. */
inline take_directly(to)
{
	must(served_in_order, !IN_LINE || deferred);
	take(to)
}

/* ke_receive() */
inline receive_by_id(r, waits)
{
	atomic { !locked ->
		if
		:: forbidden[client[r]] -> failed = true; none = !IS(NO_FOUND_DENIED)
		:: !forbidden[client[r]] && pending ->
			if
			:: take_directly(first)
			:: waits -> failed = true	/* EMSGSIZE */
			fi
		:: else ->
			none = !IS(NO_FOUND_EMPTY);
			if
			:: waits ->
				line[r] = (line[OTHER(r)] == UNCHECKED && !IS(AHEAD) -> UNCHECKED : WAITERS);
				comers++; came[r] = comers;
				stands = true
			:: else
			fi
		fi
	};
	if
	:: none -> none = false; found_empty(client[r])
	:: else
	fi;
	if
	:: stands ->
		sleep_until(r, done[r]);
		/* cancel_wait() */
		atomic { done[r] || !locked ->
			if
			:: done[r] && (!IS(NO_CANCEL_CHECK) || !signalled) -> first = handed[r]
			:: else -> line[r] = 0
			fi;
			failed = !first;
			stands = false; done[r] = false; handed[r] = 0; came[r] = 0;
			/* They are only compared: the next one may begin anew. */
			comers = (came[OTHER(r)] -> comers : 0)
		}
	:: else
	fi;
	if
	:: first -> copy(r)
	:: else
	fi
}

/* take_watched() */
inline take_watched(r)
{
	do
	:: got || first || failed || killed || !told[box] -> break
	/* another watch has its turn */
	:: !got && !first && !failed && !killed && elsewhere && how == WATCHED -> atomic {
		if
		:: elsewhere -> elsewhere = false; got = true; another = true
		:: else
		fi }
	:: !got && !first && !failed && !killed && told[box] ->
		atomic { !locked ->
			if
			:: list[box] && pending && !forbidden[box] ->
				if
				:: take_directly(first)
				:: take_directly(first);
					if
					:: pending -> take(second)
					:: else
					fi
				:: !POLLS(how) -> failed = true	/* EMSGSIZE */
				fi;
				/* end_turn() */
				if
				:: first && !pending -> rearm(box)
				:: else
				fi
			:: list[box] && !(pending && !forbidden[box]) -> rearm(box)
			:: !list[box]
			fi
		};
		rearm_rest(box)
	od
}

/* copy_taken() */
inline copy_taken(r)
{
	if
	:: first -> copy(r)
	:: else
	fi
}

/* ke_watcher_add() */
inline watcher_add(r, in_front)
{
	d_step {
		woken[r] = false;
		if
		:: !SLEEPS_AT(OTHER(r), client[r]) -> place[r] = 1
		:: SLEEPS_AT(OTHER(r), client[r]) && in_front -> place[r] = 1; place[OTHER(r)] = 2
		:: else -> place[r] = 2; place[OTHER(r)] = 1
		fi
	}
}

/* ke_watcher_remove() */
inline watcher_remove(r)
{
	d_step {
		was_woken = woken[r];
		place[r] = 0;
		if
		:: place[OTHER(r)] -> place[OTHER(r)] = 1
		:: else
		fi
	}
}

inline wake_next()
{
	atomic { !locked ->
		if
		:: ANY(SLEEPING) -> offer_waiting(1)
		:: else
		fi
	}
}

/* ke_receive_watched() with wait_watched() */
inline receive_watched(r)
{
	take_watched(r);
	if
	:: got || first || failed || killed
	:: else ->
		do
		:: true ->
			watcher_add(r, again);
			again = false;
			if
			:: IS(NO_RECHECK_LISTED)
			:: else -> take_watched(r)
			fi;
			received = got || first;
			if
			:: IS(COPY_IN_LINE) -> copy_taken(r)
			:: else
			fi;
			if
			:: received || failed || killed
			:: else -> sleep_until(r, woken[r])
			fi;
			watcher_remove(r);
			if
			:: !was_woken -> break
			:: was_woken && !received && !failed && !killed -> take_watched(r)
			:: was_woken && signalled	/* no time-out */
			:: was_woken && (received || failed || killed)
			fi;
			if
			:: first && !received
			:: (failed || killed) && !received && IS(NO_WAKE_NEXT)
			:: received && !another && IS(NO_WAKE_NEXT_DONE)
			:: !received && got && IS(NO_WAKE_NEXT_ELSE)
			:: !got && !first && !failed && !killed && IS(NO_WAKE_NEXT_NONE)
			:: else -> wake_next()
			fi;
			if
			:: got || first || failed || killed || signalled -> break
			:: else -> again = true
			fi
		od;
		atomic { was_woken = false; again = false; received = false; woken[r] = false }
	fi;
	copy_taken(r);
	another = false
}

/* What epoll makes of an edge: ke_receive_poll_watched(). */
inline look(r)
{
	readable = false;
	do
	:: readable || !told[box] -> break
	:: !readable && told[box] ->
		atomic { !locked ->
			if
			:: list[box] && pending && !forbidden[box] -> readable = true
			:: list[box] && !(pending && !forbidden[box]) -> rearm(box)
			:: !list[box]
			fi
		};
		rearm_rest(box)
	od
}

inline wait_for_edge(r)
{
	if
	:: atomic { edge[r] -> edge[r] = false }
	:: atomic { stops && !edge[r] -> killed = true }
	:: atomic { !edge[r] -> sleeps[r] = true };
	   atomic { edge[r] -> edge[r] = false; sleeps[r] = false }
	fi
}

/* Edge-triggered epoll: when told, it takes until there is nothing more. */
inline receive_polled(r)
{
	look(r);
	do
	:: !readable || killed -> break
	:: readable && !killed ->
		if
		:: how == POLLED -> take_watched(r); copy_taken(r)
		:: else -> receive_by_id(r, false)
		fi;
		readable = got || failed && !forbidden[client[r]];
		finish_lease(r);
		d_step { got = false; failed = false }
	od;
	if
	:: !killed -> wait_for_edge(r)
	:: else
	fi
}

/* ke_client_ack(), ke_client_nack(), the latter by the last close, too */
inline finish_lease(r)
{
	if
	:: lease -> atomic { !locked ->
		if
		:: event[lease - 1] == LEASED && holder[lease - 1] == HOLDER(r) || IS(NO_HOLDER) ->
			if
			:: end(lease - 1)
			:: !IS(NO_HOLDER) && may_return ->
				may_return = false;
				requeue(lease - 1, !IS(NO_RETURN_OFFER))
			fi
		:: else	/* ENOENT */
		fi;
		lease = 0 }
	:: else
	fi
}

/* ke_client_watch() */
inline watch(c)
{
	atomic { !locked ->
		if
		:: !list[c] -> rearm(c)
		:: else
		fi
	};
	rearm_rest(c)
}

/* end_watch() */
inline unwatch(c)
{
	list[c] = NO_WATCH;
	first_watch = 0;
	told[c] = false
}

/* Whether somebody has client c open, and watches there. */
#define USES(r, c)	(client[r] == c && WATCHES(way[r]) && !gone[r])

/* The last close of a client ends its watch. */
inline close_client(r)
{
	atomic { !locked ->
		gone[r] = true;
		if
		:: WATCHES(way[r]) && !USES(OTHER(r), client[r]) -> unwatch(client[r])
		:: else
		fi
	}
}

proctype Receiver(byte r; byte how; byte box)
{
	bool got, failed, signalled, killed, none, stands, mine, another;
	bool again, was_woken, received, readable;
	bool may_return = true;
	byte first, second, n_copied, lease, rounds = ROUNDS(r);

	if
	:: WATCHES(how) -> watch(box)
	:: else
	fi;
	do
	:: killed || !rounds -> break
	:: !killed && rounds ->
		if
		:: how == BY_ID -> receive_by_id(r, true); rounds--
		:: how == WATCHED -> receive_watched(r); rounds--
		:: else -> receive_polled(r)
		fi;
		finish_lease(r);
		d_step { got = false; failed = false; signalled = false }
	od;
	/* Not what is left of its past. */
	atomic {
		killed = false; may_return = true; rounds = 0; readable = false;
		woken[r] = false; runs[r] = true; edge[r] = false
	};
	close_client(r)
}

/* append() */
proctype Sender(byte n)
{
	do
	:: n -> atomic { !locked -> n--; event[sent] = WAITS; sent++; pending++; offer(1) }
	:: n == 2 -> atomic { !locked ->
		n = 0; event[sent] = WAITS; event[sent + 1] = WAITS; sent = sent + 2;
		pending = pending + 2;
		if
		:: IS(BATCH_OWES_ONE) -> offer(1)
		:: else -> offer(2)
		fi }
	:: !n -> break
	od
}

/* run_due(), what calls have left to it */
active proctype Worker()
{
	do
	:: atomic { working || deferred && !locked ->
		work();
		deferred = deferred && working && !IS(NO_DEFER) || more && !IS(NO_DEFER);
		more = false;
		if
		:: working -> working = false; locked = false
		:: else
		fi }
	od
}

/* What holds whenever nobody has the lock. */
active proctype Monitor()
{
	do
	:: atomic { !locked && !deferred && pending && IN_LINE -> must(never_both, false) }
	:: atomic { !locked && (told[0] != (list[0] == READY || list[0] == SLEEPING) ||
				told[1] != (list[1] == READY || list[1] == SLEEPING)) ->
		must(lists_agree, false) }
	od
}

inline find_lease()
{
	if
	:: event[0] == LEASED -> n = 0
	:: event[1] == LEASED -> n = 1
	:: event[2] == LEASED -> n = 2
	fi
}

/* __ke_lease_run_deadlines_locked(): a lease is over, an event has expired. */
proctype Clock()
{
	byte n;

	if
	:: atomic { !locked -> find_lease(); requeue(n, !IS(NO_RETURN_OFFER)); n = 0 }
	:: atomic { !locked -> find_lease(); end(n); n = 0 }
	:: true
	fi;
	if
	:: atomic { pending && !locked -> find(WAITS); pending--; end(e); e = 0 }
	:: true
	fi
}

/* A claim, or another thread of a client. */
proctype Others()
{
	byte c;
	bool mine, none;

	if
	:: true
	:: c = 1
	fi;
	if
	:: atomic { others == CLAIM && !locked -> forbidden[c] = true; recheck() };
		if
		:: atomic { !locked -> forbidden[c] = false; recheck() }
		:: true
		fi
	:: atomic { others == REWATCH && list[c] && !locked -> unwatch(c) };
		if
		:: atomic { USES(0, c) || USES(1, c) -> true };
		   watch(c);
		   if
		   :: atomic { !locked && !USES(0, c) && !USES(1, c) -> unwatch(c) }
		   :: atomic { USES(0, c) || USES(1, c) }
		   fi
		:: true
		fi
	/* a receive by the ID, which does not wait */
	:: atomic { others == THREAD && list[c] && !locked ->
		if
		:: pending -> find(WAITS); pending--; end(e); e = 0
		:: else -> none = !IS(NO_FOUND_EMPTY)
		fi };
		if
		:: none -> none = false; found_empty(c)
		:: else
		fi
	:: true
	fi
}

#define RESTS(r)	(gone[r] || sleeps[r] || hangs[r])
#define WANTS_NONE(r)	(gone[r] || hangs[r] || WATCHES(way[r]) && \
	(!list[client[r]] || forbidden[client[r]]))
#define WAITS_IN_VAIN(r) (sleeps[r] && !WATCHES(way[r]) && forbidden[client[r]])

init
{
	byte n, waiting;

	atomic {
		c_code {
			now.broken = setting("BREAK");
			now.way[0] = setting("WAY_0");
			now.way[1] = setting("WAY_1");
			now.client[1] = !setting("SAME_CLIENT");
			now.faults = setting("PAGES");
			now.ticks = setting("CLOCK");
			now.others = setting("OTHERS");
			now.stops = setting("STOPS");
			now.elsewhere = setting("ELSEWHERE");
		};
		run Sender(2);
		run Sender(1);
		run Receiver(0, way[0], client[0]);
		run Receiver(1, way[1], client[1]);
		if
		:: ticks -> run Clock()
		:: else
		fi;
		if
		:: others -> run Others()
		:: else
		fi
	};

	/* Nothing moves any more. */
	timeout;
	d_step {
		must(counted_right, sent == EVENTS);
		do
		:: n < EVENTS ->
			must(nothing_lost, event[n] == WAITS && !ended[n] ||
			     event[n] == ENDED && ended[n] ||
			     (event[n] == LEASED || event[n] == IN_FLIGHT) &&
			     (hangs[0] || hangs[1]));
			waiting = waiting + (event[n] == WAITS -> 1 : 0);
			n++
		:: else -> break
		od;
		must(counted_right, waiting == pending && !locked);
		must(nobody_is_stuck, RESTS(0) && RESTS(1));
		must(no_wake_up_lost, !pending || WANTS_NONE(0) && WANTS_NONE(1));
		must(told_of_the_claim, !WAITS_IN_VAIN(0) && !WAITS_IN_VAIN(1))
	}
}
