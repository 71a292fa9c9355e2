/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How an event reaches a receiver that waits, step by step as src/ does it and
 * under its names: queue.c (wake and return), receiver.c (the row of an ID),
 * inbox.c and receiving.c (the row of a client), lease.c, client.c (watches),
 * control.c (claims). One ID, two senders, two receivers, three events.
 *
 * A receiver waits for the ID, or for what its client watches, or polls that by
 * edges, as epoll does; both may share a client. It waits for ever, or until a
 * time-out, a signal or a kill, which come at any moment. Its buffer may be too
 * small; a page of it may be missing, and then be bad, or never come. It peeks,
 * or takes the event, or leases it and acknowledges it, gives it back or closes
 * its client; from what it watches it may take two at a time. Leases and events
 * may reach their time limit, a claim or `strict` may forbid it to receive for a
 * while, its watch may end and begin again. Whatever can be chosen is chosen in
 * every possible way.
 *
 * What happens under the queue's lock is one step: such a section enters the lock
 * of each inbox once at most, so what others do under that alone comes to the
 * same before it or after it. Only one that appends or brings back several events
 * may tell an inbox of each: from the first time on that is ready, so nobody who
 * has the turn there goes to sleep.
 *
 * Left out is
 *
 * - which event is the oldest. Here it is the one that was sent first; its lists
 *   are changed under the queue's lock alone.
 * - a second ID, and with it which of a client's watches has its turn: there would
 *   be too many states. What wakes a receiver is recorded with the receiver, and
 *   answered before it sleeps or goes, from whichever queue it took an event.
 * - how the queue comes and ends. Whoever waits there or brings a page is one of its
 *   holders, who owes it an answer counts in ke_queue.pins, under its lock.
 * - memory: the sender's spare, and when what has ended is freed. Who gives up the
 *   queue's lock to free it begins its look anew.
 * - ke_sink_prefault(), after which a missing page is rare, but may be.
 * - the alarm, and who settles what is due: here that is done at any moment, or
 *   never.
 * - the first look of ke_lease_find_locked(), without the queue's lock: the second
 *   decides.
 * - senders that wait for room: they append like others when there is some.
 *
 * Which receivers there are, what befalls them, and which step is left out to see
 * that it is missed, comes from the environment: see `run`.
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
#define PEEKS		4	/* waits for the ID, and leaves the event there */
#define WATCHES(way)	(way >= WATCHED && way <= POLLED_BY_ID)
#define POLLS(way)	(way == POLLED || way == POLLED_BY_ID)

/* BREAK: what is left out. */
#define NO_REWAKE	1	/* who leaves a queue's row wakes nobody */
#define NO_PASS_ON	2	/* who leaves an inbox' row wakes nobody */
#define NO_ANSWER	3	/* who was woken by a queue does not answer to it */
#define LATE_TO_BED	4	/* who goes to sleep says so without the lock */
#define TAKE_FIRST	5	/* an event leaves the queue before it is copied */
#define NO_FRESH	6	/* nobody polls for what was kept for another */
#define NO_HOLDER	7	/* anybody may acknowledge an event */
#define NO_RETURN_WAKE	8	/* a lease that ends wakes nobody */
#define NO_RESERVE	9	/* late comers take what is kept for the row */
#define OUT_OF_TURN	10	/* who stands in a row does not wait for its turn */
#define NEW_TICKET	11	/* who comes back from a missing page stands behind */
#define NO_STAND_ASIDE	12	/* who brings a page stays in the queue's row */
#define NO_STALL	13	/* who brings a page stays in the inbox' row */
#define NO_STALL_ANSWER	14	/* who brings a page answers later */
#define NO_CLAIM_WAKE	15	/* a claim that changes wakes nobody */
#define NO_WATCH_WAKE	16	/* a new watch is not told of what is there */
#define NO_FAULT_IN	17	/* who misses a page only tries again */
#define NO_FORGET	18	/* a watch without an event stays ready */

#define EVENTS		3
#define ROUNDS(r)	(2 - r)	/* receives of one receiver */
#define OTHER(r)	(1 - (r))
#define IS(what)	(broken == what)

/* What has to hold, under the names by which pan says that it does not. */
hidden byte there_is_an_event;	/* where one is taken */
hidden byte ends_once;		/* an event */
hidden byte nothing_lost;
hidden byte served_in_order;	/* who waits for the ID, as they came */
hidden byte no_wake_up_lost;	/* who waits has nothing to wait for */
hidden byte told_of_the_claim;	/* who may not receive does not wait for the ID */
hidden byte answers_to_one;	/* who was woken by a queue is not asked by another */
hidden byte all_answered;	/* nobody owes the queue an answer */
hidden byte counted_right;
hidden byte nobody_is_stuck;	/* but who waits for an event or a page */

inline must(property, holds)
{
	property = holds;
	assert(property)
}

mtype = { UNSENT, WAITS, LEASED, ENDED, LOST };

byte broken;
byte way[2];
bool ticks;			/* time limits are reached */
bool others;			/* interfere */

/* ke_queue and its events, by seq */
mtype event[EVENTS] = UNSENT;
byte holder[EVENTS];		/* ke_event.lessee: client + 1 */
bool ended[EVENTS];
byte sent, pending, takers, tickets;
bool asked;
bool watched[2];		/* there is a watch of inbox i */
byte first_watch;
bool forbidden[2];		/* by a claim: to receiver r, and to the watch of inbox i */

/* ke_waiter, in a row where its ticket or its place is not 0 */
bool woken[2], waker[2];
byte ticket[2], place[2];
bool in_row[2];
byte came[2], comers;		/* when it took its place, whatever its ticket is now */

/* The receivers' processes. */
byte inbox[2];
bool runs[2] = true;
bool sleeps[2], gone[2];
bool hangs[2];			/* its page never comes */
bool edge[2];			/* it polls, and has been told */

/* ke_inbox */
bool ready[2];

byte faults;			/* pages that may still be missing */
byte told;			/* within a step: the inbox that was asked */

#define READY		(pending > takers)
#define MAY_COME	(READY || IS(NO_RESERVE) && pending)
#define CLIENT(r)	(inbox[r] + 1)
#define IN_INBOX(r, i)	(place[r] && inbox[r] == i)
#define FIRST_IN_ROW(r)	(in_row[r] && \
	(!in_row[OTHER(r)] || ticket[r] < ticket[OTHER(r)]))
#define FIRST_IN_INBOX(r) (place[r] && \
	(!IN_INBOX(OTHER(r), inbox[r]) || place[r] < place[OTHER(r)]))

/* wake_up_process() of one that is not woken */
inline rouse(r)
{
	woken[r] = true;
	runs[r] = true
}

/* wake_waiter() */
inline wake_waiter()
{
	if
	:: FIRST_IN_ROW(0) && !woken[0] -> rouse(0)
	:: FIRST_IN_ROW(1) && !woken[1] -> rouse(1)
	:: else
	fi
}

inline ask(r)
{
	must(answers_to_one, !waker[r]);
	waker[r] = true;
	asked = true;
	told = inbox[r] + 1;
	rouse(r)
}

/* wake_up_poll() */
inline tell_poller(r, i)
{
	edge[r] = edge[r] || POLLS(way[r]) && inbox[r] == i
}

/* ke_inbox_notify(), and what notify_watches() makes of it */
inline notify(i, fresh)
{
	if
	:: watched[i] && !forbidden[i] ->
		if
		:: fresh || !ready[i] -> tell_poller(0, i); tell_poller(1, i)
		:: else
		fi;
		ready[i] = true;
		if
		:: !asked && IN_INBOX(0, i) && FIRST_IN_INBOX(0) && !woken[0] -> ask(0)
		:: !asked && IN_INBOX(1, i) && FIRST_IN_INBOX(1) && !woken[1] -> ask(1)
		:: else
		fi
	:: else
	fi
}

/* wake() of queue.c */
inline wake(fresh)
{
	if
	:: pending ->
		wake_waiter();
		if
		:: READY ->
			notify(first_watch, fresh);
			notify(OTHER(first_watch), fresh);
			if
			:: told == first_watch + 1 && watched[OTHER(first_watch)] ->
				first_watch = OTHER(first_watch)
			:: else
			fi;
			told = 0
		:: else
		fi
	:: else
	fi
}

/* ke_queue_wake_all_locked() */
inline wake_all()
{
	if
	:: IS(NO_CLAIM_WAKE)
	:: else ->
		runs[0] = runs[0] || in_row[0];
		runs[1] = runs[1] || in_row[1];
		wake(true)
	fi
}

inline find(state)
{
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

/*
 * take(): the oldest event ends, or is leased. Of a row nobody takes one before
 * those who came earlier; who is not in it leaves them what is kept for them.
 */
inline take(r)
{
	e = 0;
	if
	:: in_row[OTHER(r)] && in_row[r] -> must(served_in_order, came[r] < came[OTHER(r)])
	:: in_row[OTHER(r)] && !in_row[r] && way[OTHER(r)] != PEEKS ->
		must(served_in_order, pending > 1)
	:: else
	fi;
	find(WAITS);
	pending--;
	if
	:: end(e)
	:: event[e] = LEASED; holder[e] = CLIENT(r); lease = e + 1
	fi;
	e = 0;
	got = true
}

/* The same of a receiver that may peek. */
inline take_or_peek(r)
{
	if
	:: how == PEEKS -> got = true
	:: else -> take(r)
	fi
}

/* hand_out() where a page is missing */
inline miss()
{
	if
	:: IS(NO_FAULT_IN)
	:: else -> faults--
	fi;
	if
	:: IS(TAKE_FIRST) ->
		e = 0; find(WAITS); event[e] = LOST; pending--; e = 0
	:: else
	fi
}

/* ke_sink_bring(): it may take for ever, and a kill may come meanwhile. */
inline bring_page(r)
{
	if
	:: true
	:: killed = true
	:: !IS(NO_FAULT_IN) -> hangs[r] = true; false
	fi
}

inline enter_row(r)
{
	in_row[r] = true;
	takers = takers + (how == PEEKS -> 0 : 1)
}

inline leave_row(r, empty_handed)
{
	was_ready = READY;
	in_row[r] = false;
	woken[r] = false;
	takers = takers - (how == PEEKS -> 0 : 1);
	if
	:: IS(NO_REWAKE)
	:: !IS(NO_REWAKE) && empty_handed && !was_ready && READY && !IS(NO_FRESH) -> wake(true)
	:: else -> wake(false)
	fi;
	was_ready = false
}

/* ke_inbox_enter() */
inline inbox_enter(r, in_front)
{
	d_step {
		woken[r] = true;
		if
		:: !IN_INBOX(OTHER(r), inbox[r]) -> place[r] = 1
		:: IN_INBOX(OTHER(r), inbox[r]) && in_front -> place[r] = 1; place[OTHER(r)] = 2
		:: else -> place[r] = 2; place[OTHER(r)] = 1
		fi
	}
}

/* ke_inbox_leave() */
inline inbox_leave(r)
{
	d_step {
		place[r] = 0;
		if
		:: !IS(NO_PASS_ON) && ready[inbox[r]] && IN_INBOX(OTHER(r), inbox[r]) &&
		   !woken[OTHER(r)] -> rouse(OTHER(r))
		:: else
		fi
	}
}

/* answer(): ke_inbox_waker(), then what the queue is owed */
inline answer(r)
{
	d_step { owes = waker[r]; waker[r] = false };
	if
	:: owes -> atomic {
		owes = false;
		if
		:: IS(NO_ANSWER)
		:: else -> asked = false; wake(false)
		fi
	}
	:: else
	fi
}

/* A kill may come at any moment. */
inline interrupt()
{
	if
	:: killed = true
	:: true
	fi
}

/* ke_receiver_sleep(): a time-out ends it as a signal does. */
inline sleep(r)
{
	if
	:: atomic { runs[r] }
	:: atomic { !runs[r] -> signalled = true; runs[r] = true }
	:: atomic { !runs[r] -> killed = true; runs[r] = true }
	/* none of them comes */
	:: atomic { !runs[r] -> sleeps[r] = true };
	   atomic { runs[r] -> sleeps[r] = false }
	fi
}

/* set_current_state(TASK_INTERRUPTIBLE) under the lock that who wakes has */
inline lie_down(r)
{
	woken[r] = false;
	runs[r] = IS(LATE_TO_BED)
}

inline lie_down_late(r)
{
	if
	:: IS(LATE_TO_BED) -> runs[r] = false
	:: else
	fi
}

/* ke_receiver_receive_locked() with stand_in_line() and wait_in_row() */
inline receive_by_id(r)
{
	do
	:: atomic { killed -> break }
	:: atomic { !killed && forbidden[r] -> failed = true; break }
	:: atomic { !killed && !forbidden[r] && MAY_COME ->
		if
		:: true -> take_or_peek(r); break
		:: failed = true; break	/* EMSGSIZE */
		:: faults -> miss()
		fi };
		bring_page(r);
		if
		:: true
		:: failed = true; break
		fi
	:: atomic { !killed && !forbidden[r] && !MAY_COME ->
		tickets++; ticket[r] = tickets;
		comers++; came[r] = comers;
		break }
	od;
	if
	:: got || failed || killed
	:: else ->
		away = true;
		do
		:: atomic {
			if
			:: away && !in_row[r] ->
				away = false;
				enter_row(r);
				if
				:: true
				:: tried -> failed = true
				fi
			:: else -> away = false
			fi;
			interrupt();
			failed = failed || forbidden[r];
			if
			:: failed || killed -> leave_row(r, true); break
			:: !failed && !killed && pending && (FIRST_IN_ROW(r) || IS(OUT_OF_TURN)) ->
				if
				:: true -> take_or_peek(r); leave_row(r, false); break
				:: failed = true; leave_row(r, true); break	/* EMSGSIZE */
				/* fault_in() */
				:: faults ->
					miss();
					if
					:: IS(NO_STAND_ASIDE)
					:: else -> leave_row(r, true)
					fi;
					if
					:: IS(NEW_TICKET) -> tickets++; ticket[r] = tickets
					:: else
					fi;
					away = true;
					tried = true
				fi
			:: else ->
				if
				:: signalled -> leave_row(r, true); break
				:: else -> lie_down(r)
				fi
			fi };
			if
			:: away -> bring_page(r)
			:: else -> lie_down_late(r); sleep(r)
			fi
		od;
		atomic {
			ticket[r] = 0; came[r] = 0; tried = false; away = false;
			/* They are only compared: who comes next may begin anew. */
			tickets = (ticket[OTHER(r)] -> tickets : 0);
			comers = (came[OTHER(r)] -> comers : 0)
		}
	fi
}

/* had_its_turn() */
inline had_its_turn()
{
	ready[box] = ready[box] && READY
}

/* fault_in() with stall() */
inline stall(r)
{
	stands = place[r] > 0;
	if
	:: stands && !IS(NO_STALL) ->
		inbox_leave(r);
		if
		:: IS(NO_STALL_ANSWER)
		:: else -> answer(r)
		fi
	:: else
	fi;
	bring_page(r);
	if
	:: stands && !IS(NO_STALL) -> inbox_enter(r, true)
	:: else
	fi;
	stands = false
}

/* try_watched(); what is in the way of the next look is `away`. */
inline try_watched(r)
{
	do
	:: killed || !ready[box] -> break
	:: !killed && ready[box] ->
		atomic {
			if
			:: watched[box] && !forbidden[box] && MAY_COME ->
				if
				:: take(r); had_its_turn()
				/* a batch */
				:: take(r);
					if
					:: !lease && READY -> take(r); had_its_turn()
					:: faults && READY -> miss(); away = true
					:: ticks	/* something was due before the next */
					:: else -> had_its_turn()
					fi
				:: !POLLS(how) -> failed = true	/* EMSGSIZE */
				:: faults -> miss(); away = true
				fi
			:: else ->
				if
				:: IS(NO_FORGET)
				:: else -> ready[box] = false
				fi
			fi
		};
		if
		:: away ->
			away = false;
			stall(r);
			if
			:: true
			:: !POLLS(how) && !got -> failed = true
			fi
		:: else
		fi;
		if
		:: got || failed -> break
		:: else
		fi
	od
}

/* ke_receiving_receive_watched() with wait_watched() */
inline receive_watched(r)
{
	try_watched(r);
	if
	:: got || failed || killed
	:: else ->
		inbox_enter(r, false);
		do
		:: true ->
			atomic { interrupt(); turn = FIRST_IN_INBOX(r) };
			if
			:: turn -> try_watched(r)
			:: else
			fi;
			if
			:: got || failed || turn && killed -> turn = false; break
			:: else -> turn = false
			fi;
			answer(r);
			if
			:: signalled || killed -> break
			:: else
			fi;
			/* ke_inbox_may_sleep() */
			d_step {
				if
				:: FIRST_IN_INBOX(r) && ready[box] -> woken[r] = true
				:: else -> lie_down(r)
				fi
			};
			if
			:: !woken[r] -> lie_down_late(r)
			:: else
			fi;
			sleep(r)
		od;
		inbox_leave(r);
		answer(r)
	fi
}

/*
 * A receive by ID that does not wait leaves the inbox as it is. It has no place in a
 * row, so it misses no page here: nobody would notice.
 */
inline try_by_id(r)
{
	atomic {
		if
		:: !forbidden[r] && MAY_COME -> take(r)
		:: else
		fi
	}
}

/* What epoll makes of an edge: ke_receiving_readable(). */
inline look(r)
{
	atomic {
		if
		:: ready[box] && (!READY || forbidden[box]) -> ready[box] = false
		:: else
		fi
	}
}

/* Edge-triggered epoll: when told, takes until there is nothing more. */
inline wait_for_edge(r)
{
	if
	:: atomic { edge[r] -> edge[r] = false }
	:: atomic { !edge[r] -> killed = true }
	:: atomic { !edge[r] -> sleeps[r] = true };
	   atomic { edge[r] -> edge[r] = false; sleeps[r] = false }
	fi;
	look(r)
}

/* ke_queue_return_locked() */
inline give_back(n)
{
	event[n] = WAITS;
	holder[n] = 0;
	pending++;
	if
	:: IS(NO_RETURN_WAKE)
	:: else -> wake(true)
	fi
}

/* ke_client_ack(), ke_client_nack(), the latter by the last close, too */
inline finish_lease(r)
{
	if
	:: lease -> atomic {
		if
		:: holder[lease - 1] == CLIENT(r) || IS(NO_HOLDER) ->
			if
			:: end(lease - 1)
			:: !IS(NO_HOLDER) && may_return -> may_return = false; give_back(lease - 1)
			fi
		:: else	/* ENOENT */
		fi;
		lease = 0 }
	:: else
	fi
}

/* ke_client_watch() */
inline watch(i)
{
	atomic {
		if
		:: !watched[i] ->
			watched[i] = true;
			first_watch = (watched[OTHER(i)] -> OTHER(i) : i);
			if
			:: IS(NO_WATCH_WAKE)
			:: else -> wake(false)
			fi
		:: else
		fi
	}
}

/* end_watch() */
inline unwatch(i)
{
	watched[i] = false;
	ready[i] = false
}

/* Whether somebody has the client of inbox i open, and watches there. */
#define USES(r, i)	(inbox[r] == i && WATCHES(way[r]) && !gone[r])

/* The last close of a client ends its watch. */
inline close_client(r)
{
	atomic {
		gone[r] = true;
		if
		:: WATCHES(way[r]) && !USES(OTHER(r), inbox[r]) -> unwatch(inbox[r])
		:: else
		fi
	}
}

proctype Receiver(byte r; byte how; byte box)
{
	bool got, failed, away, tried, turn, owes, was_ready, stands, signalled, killed;
	bool may_return = true;
	byte e, lease, rounds = ROUNDS(r);

	if
	:: WATCHES(how) -> watch(box)
	:: else
	fi;
	do
	:: killed || !rounds -> break
	:: !killed && rounds ->
		got = false;
		if
		:: how == BY_ID || how == PEEKS -> receive_by_id(r)
		:: how == WATCHED -> receive_watched(r)
		:: how == POLLED -> try_watched(r)
		:: how == POLLED_BY_ID -> try_by_id(r)
		fi;
		if
		:: POLLS(how) && !got && !killed -> wait_for_edge(r)
		:: POLLS(how) && (got || killed)
		:: else -> rounds--
		fi;
		finish_lease(r);
		atomic { failed = false; signalled = false }
	od;
	/* Not what is left of its past. */
	atomic {
		got = false; killed = false; may_return = true; rounds = 0;
		woken[r] = false; runs[r] = true; edge[r] = false
	};
	close_client(r)
}

/* append(); batches are told of as one: ke_queue_wake_for_new_locked(). */
proctype Sender(byte n)
{
	do
	:: n -> atomic { n--; event[sent] = WAITS; sent++; pending++; wake(true) }
	:: n == 2 -> atomic {
		n = 0; event[sent] = WAITS; event[sent + 1] = WAITS; sent = sent + 2;
		pending = pending + 2; wake(true);
		if
		:: POLLS(way[0]) || POLLS(way[1]) -> wake(true)
		:: else
		fi }
	:: !n -> break
	od
}

inline find_lease()
{
	if
	:: event[0] == LEASED
	:: event[1] == LEASED -> e = 1
	:: event[2] == LEASED -> e = 2
	fi
}

/* ke_lease_settle_locked(): a lease is over, an event has expired. */
proctype Clock()
{
	byte e;

	if
	:: atomic { find_lease(); give_back(e); e = 0 }
	:: atomic { find_lease(); end(e); e = 0 }
	:: true
	fi;
	if
	:: atomic { pending -> find(WAITS); pending--; end(e); e = 0 }
	:: true
	fi
}

/* A claim, or another thread of its client, keeps events from a receiver. */
proctype Others()
{
	byte i;

	if
	:: true
	:: i = 1
	fi;
	if
	:: atomic { forbidden[i] = true; wake_all() };
		if
		:: atomic { forbidden[i] = false; wake_all() }
		:: true
		fi
	:: atomic { watched[i] -> unwatch(i) };
		if
		:: atomic { USES(0, i) || USES(1, i) -> watch(i) }
		:: true
		fi
	:: true
	fi
}

#define RESTS(r)	(gone[r] || sleeps[r] || hangs[r])
#define WANTS_NONE(r)	(gone[r] || hangs[r] || WATCHES(way[r]) && (!watched[inbox[r]] || \
	forbidden[inbox[r]] || way[r] == POLLED_BY_ID && forbidden[r]))
#define WAITS_IN_VAIN(r) (sleeps[r] && !WATCHES(way[r]) && forbidden[r])

init
{
	byte e, waiting;

	atomic {
		c_code {
			now.broken = setting("BREAK");
			now.way[0] = setting("WAY_0");
			now.way[1] = setting("WAY_1");
			now.inbox[1] = !setting("SAME_CLIENT");
			now.faults = setting("PAGES");
			now.ticks = setting("CLOCK");
			now.others = setting("OTHERS");
		};
		run Sender(2);
		run Sender(1);
		run Receiver(0, way[0], inbox[0]);
		run Receiver(1, way[1], inbox[1]);
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
		:: e < EVENTS ->
			must(nothing_lost, event[e] == WAITS && !ended[e] ||
			     event[e] == ENDED && ended[e] ||
			     event[e] == LEASED && (hangs[0] || hangs[1]));
			waiting = waiting + (event[e] == WAITS -> 1 : 0);
			e++
		:: else -> break
		od;
		must(counted_right, waiting == pending && takers ==
		     (in_row[0] && way[0] != PEEKS) + (in_row[1] && way[1] != PEEKS));
		must(nobody_is_stuck, RESTS(0) && RESTS(1));
		must(no_wake_up_lost, !pending || WANTS_NONE(0) && WANTS_NONE(1));
		must(told_of_the_claim, !WAITS_IN_VAIN(0) && !WAITS_IN_VAIN(1));
		must(all_answered, !asked)
	}
}
