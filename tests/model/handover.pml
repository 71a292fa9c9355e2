/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How an event reaches a receiver that waits, step by step as src/ does it and
 * under its names: queue.c (wake and return), receiver.c (the row of an ID),
 * inbox.c and receiving.c (the row of a client), lease.c. One ID, two senders,
 * two receivers, three events.
 *
 * A receiver waits for the ID, or for what its client watches, or polls that by
 * edges, as epoll does; both may share a client. It waits for ever, or until a
 * time-out, a signal or a kill, which come at any moment. Its memory may be
 * missing or bad. It takes the event, or leases it and acknowledges it, gives it
 * back or closes its client; leases and events may reach their time limit.
 * Whatever can be chosen is chosen in every possible way.
 *
 * What happens under the queue's lock is one step: such a section enters the lock
 * of each inbox once at most, so what others do under that alone comes to the
 * same before it or after it.
 *
 * Which receivers there are, and which step is left out to see that it is missed,
 * comes from the environment: see `run`.
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
#define POLLS(way)	(way >= POLLED)

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

#define EVENTS		3
#define ROUNDS(r)	(2 - r)	/* receives of one receiver */
#define OTHER(r)	(1 - (r))
#define IS(what)	(broken == what)

mtype = { UNSENT, WAITS, LEASED, ENDED, LOST };

byte broken;
byte way[2];
bool ticks;			/* time limits are reached; else pages are missing */

/* ke_queue and its events, by seq */
mtype event[EVENTS] = UNSENT;
byte holder[EVENTS];		/* ke_event.lessee: receiver + 1 */
bool ended[EVENTS];
byte sent, pending, takers, tickets;
bool asked;
bool watched[2];		/* there is a watch of inbox i */
byte first_watch;

/* ke_waiter, in a row where its ticket or its place is not 0 */
bool woken[2], waker[2];
byte ticket[2], place[2];
bool in_row[2];

/* The receivers' processes. */
byte inbox[2];
bool runs[2] = true;
bool sleeps[2], gone[2];

/* ke_inbox */
bool ready[2], edge[2];

byte faults;			/* pages that may still be missing */
byte told;			/* within a step: the inbox that was asked */

#define READY		(pending > takers)
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

/* ke_inbox_notify(), and what notify_watches() makes of it */
inline notify(i, fresh)
{
	if
	:: watched[i] ->
		edge[i] = edge[i] || fresh || !ready[i];
		ready[i] = true;
		if
		:: !asked && IN_INBOX(0, i) && FIRST_IN_INBOX(0) && !woken[0] ->
			waker[0] = true; asked = true; told = i + 1; rouse(0)
		:: !asked && IN_INBOX(1, i) && FIRST_IN_INBOX(1) && !woken[1] ->
			waker[1] = true; asked = true; told = i + 1; rouse(1)
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
			first_watch = (told == first_watch + 1 -> OTHER(first_watch) : first_watch);
			told = 0
		:: else
		fi
	:: else
	fi
}

inline find(state)
{
	do
	:: e < EVENTS && event[e] != state -> e++
	:: else -> break
	od;
	assert(e < EVENTS)
}

inline end(n)
{
	assert(!ended[n]);
	ended[n] = true;
	event[n] = ENDED;
	holder[n] = 0
}

/* take(): the oldest event ends, or is leased. */
inline take(r)
{
	e = 0;
	find(WAITS);
	pending--;
	if
	:: end(e)
	:: event[e] = LEASED; holder[e] = r + 1; lease = e + 1
	fi;
	e = 0;
	got = true
}

/* hand_out() where the copy meets a missing page */
inline miss()
{
	faults--;
	if
	:: IS(TAKE_FIRST) ->
		e = 0; find(WAITS); event[e] = LOST; pending--; e = 0
	:: else
	fi
}

inline enter_row(r)
{
	in_row[r] = true;
	takers++
}

inline leave_row(r, empty_handed)
{
	was_ready = READY;
	in_row[r] = false;
	woken[r] = false;
	takers--;
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

#define ANY_READY	(READY || IS(NO_RESERVE) && pending)

/* ke_receiver_receive_locked() with stand_in_line() and wait_in_row() */
inline receive_by_id(r)
{
	do
	:: atomic { killed -> break }
	:: atomic { !killed && ANY_READY ->
		assert(READY);
		if
		:: take(r); break
		:: faults -> miss()
		:: faults -> miss(); failed = true; break
		fi }
	:: atomic { !killed && !ANY_READY -> tickets++; ticket[r] = tickets; break }
	od;
	if
	:: got || failed || killed
	:: else ->
		away = true;
		do
		:: atomic {
			if
			:: away ->
				away = false;
				enter_row(r);
				if
				:: true
				:: tried -> failed = true
				fi
			:: else
			fi;
			interrupt();
			if
			:: failed || killed -> leave_row(r, true); break
			:: !failed && !killed && pending && FIRST_IN_ROW(r) ->
				if
				:: take(r); leave_row(r, false); break
				/* fault_in() */
				:: faults -> miss(); leave_row(r, true); away = true; tried = true
				fi
			:: else ->
				if
				:: signalled -> leave_row(r, true); break
				:: else -> lie_down(r)
				fi
			fi };
			if
			:: away
			:: else -> lie_down_late(r); sleep(r)
			fi
		od;
		atomic { ticket[r] = 0; tried = false }
	fi
}

/* try_watched(); what is in the way of the next look is `away`. */
inline try_watched(r)
{
	do
	:: killed || !ready[box] -> break
	:: !killed && ready[box] ->
		atomic {
			if
			:: READY ->
				if
				:: take(r); ready[box] = READY; break
				:: faults -> miss(); away = true
				fi
			:: else -> ready[box] = false
			fi
		};
		if
		:: away ->
			away = false;
			/* stall() */
			if
			:: place[r] -> inbox_leave(r); answer(r); inbox_enter(r, true)
			:: else
			fi;
			if
			:: true
			:: !POLLS(how) -> failed = true; break
			fi
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
			:: turn -> turn = false; try_watched(r)
			:: else
			fi;
			if
			:: got || failed -> break
			:: else
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

/* A receive by ID that does not wait leaves the inbox as it is. */
inline try_by_id(r)
{
	atomic {
		if
		:: READY -> take(r)
		:: else
		fi
	}
}

/* What epoll makes of an edge: ke_receiving_readable(). */
inline look(r)
{
	atomic {
		if
		:: ready[box] && !READY -> ready[box] = false
		:: else
		fi
	}
}

/* Edge-triggered epoll: when told, takes until there is nothing more. */
inline wait_for_edge(r)
{
	if
	:: atomic { edge[box] -> edge[box] = false }
	:: atomic { !edge[box] -> killed = true }
	:: atomic { !edge[box] -> sleeps[r] = true };
	   atomic { edge[box] -> edge[box] = false; sleeps[r] = false }
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
		:: holder[lease - 1] == r + 1 || IS(NO_HOLDER) ->
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

/* The last close of a client ends its watch. */
inline close_client(r)
{
	atomic {
		gone[r] = true;
		if
		:: way[r] != BY_ID &&
		   (inbox[OTHER(r)] != inbox[r] || way[OTHER(r)] == BY_ID || gone[OTHER(r)]) ->
			watched[inbox[r]] = false;
			ready[inbox[r]] = false
		:: else
		fi
	}
}

proctype Receiver(byte r; byte how; byte box)
{
	bool got, failed, away, tried, turn, owes, was_ready, signalled, killed;
	bool may_return = true;
	byte e, lease, rounds = ROUNDS(r);

	do
	:: killed || !rounds -> break
	:: !killed && rounds ->
		got = false;
		if
		:: how == BY_ID -> receive_by_id(r)
		:: how == WATCHED -> receive_watched(r)
		:: how == POLLED -> try_watched(r)
		:: how == POLLED_BY_ID -> try_by_id(r)
		fi;
		if
		:: POLLS(how) && !got -> wait_for_edge(r)
		:: POLLS(how) && got
		:: else -> rounds--
		fi;
		finish_lease(r);
		atomic { failed = false; signalled = false }
	od;
	/* Not what is left of its past. */
	atomic {
		got = false; killed = false; may_return = true; rounds = 0;
		woken[r] = false; runs[r] = true
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

/* ke_lease_settle_locked(): a lease is over, an event has expired. */
proctype Clock()
{
	byte e;

	if
	:: atomic { event[0] == LEASED -> give_back(0) }
	:: atomic { event[1] == LEASED -> give_back(1) }
	:: atomic { event[2] == LEASED -> give_back(2) }
	:: true
	fi;
	if
	:: atomic { pending -> find(WAITS); pending--; end(e); e = 0 }
	:: true
	fi
}

init
{
	byte e, waiting;

	atomic {
		c_code {
			now.broken = setting("BREAK");
			now.way[0] = setting("WAY_0");
			now.way[1] = setting("WAY_1");
			now.inbox[1] = !setting("SAME_CLIENT");
			now.faults = !setting("CLOCK");
			now.ticks = setting("CLOCK");
		};
		watched[0] = way[0] != BY_ID;
		watched[inbox[1]] = watched[inbox[1]] || way[1] != BY_ID;
		run Sender(2);
		run Sender(1);
		run Receiver(0, way[0], inbox[0]);
		run Receiver(1, way[1], inbox[1]);
		if
		:: ticks -> run Clock()
		:: else
		fi
	};

	/* Nothing moves any more. */
	timeout;
	d_step {
		assert(sent == EVENTS);
		do
		:: e < EVENTS ->
			assert(event[e] == WAITS && !ended[e] || event[e] == ENDED && ended[e]);
			waiting = waiting + (event[e] == WAITS -> 1 : 0);
			e++
		:: else -> break
		od;
		assert(waiting == pending);
		assert(takers == in_row[0] + in_row[1]);
		assert((gone[0] || sleeps[0]) && (gone[1] || sleeps[1]));
		/* Whoever still waits has nothing to wait for. */
		assert(!pending || gone[0] && gone[1]);
		/* Nobody owes the queue an answer. */
		assert(!asked)
	}
}
