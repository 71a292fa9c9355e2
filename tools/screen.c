// SPDX-License-Identifier: GPL-2.0-only
#include "screen.h"

#include <inttypes.h>
#include <ncurses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "names.h"
#include "say.h"
#include "units.h"

#define HEADER_LINES	5	/* above the rows */
#define OWNER_COLUMN	78	/* shown if the terminal is wide enough */

enum color {
	LOW = 1,
	MIDDLE,
	HIGH,
};

static SCREEN *terminal;

bool screen_begin(void)
{
	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) {
		say("standard output is not a terminal: use 'kevents list'");
		return false;
	}
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		say("$TERM does not name a known terminal");
		return false;
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	if (has_colors() && start_color() == OK && use_default_colors() == OK) {
		init_pair(LOW, COLOR_GREEN, -1);
		init_pair(MIDDLE, COLOR_YELLOW, -1);
		init_pair(HIGH, COLOR_RED, -1);
	}
	return true;
}

void screen_end(void)
{
	endwin();
	delscreen(terminal);
}

int screen_key(int timeout_ms)
{
	int pressed;

	timeout(timeout_ms);
	pressed = getch();
	return pressed == ERR ? -1 : pressed;
}

int screen_rows(void)
{
	int rows = LINES - HEADER_LINES - 1;

	return rows > 0 ? rows : 0;
}

static void put(int line, int column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Stops at the right margin, after which curses would continue on the next line. */
static void put(int line, int column, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (column < COLS)
		mvaddnstr(line, column, text, COLS - column);
}

/* Fills part / whole of the bar, and at least one column if part is not 0. */
static void draw_bar(int line, int column, int width, double part, double whole)
{
	double share = whole > 0 ? part / whole : 0;
	int filled = (int)(share * width + 0.5);
	enum color color = share < 0.6 ? LOW : share < 0.85 ? MIDDLE : HIGH;

	if (filled > width)
		filled = width;
	if (!filled && part > 0)
		filled = 1;
	attron(COLOR_PAIR(color));
	for (int i = 0; i < filled; i++)
		mvaddch(line, column + i, '|');
	attroff(COLOR_PAIR(color));
}

static void draw_limit(int line, const char *name, uint64_t used, uint64_t limit)
{
	char have[UNITS_TEXT], most[UNITS_TEXT];
	int width = COLS - 39;

	if (width < 10)
		width = 10;
	put(line, 0, "%-14s [", name);
	draw_bar(line, 16, width, (double)used, (double)limit);
	put(line, 16 + width, "] %7s of %7s", format_bytes(have, used),
	    format_bytes(most, limit));
}

static void draw_summary(const struct view *view, const struct sample *sample)
{
	char bytes[UNITS_TEXT];

	put(0, 0, "kevents top: %d IDs, %" PRIu64 " events, %s bytes; by %s%s%s",
	    sample->count, sample->limits.broker_events,
	    format_bytes(bytes, sample->limits.broker_bytes), order_names[view->order],
	    view->reversed ? ", reversed" : "", view->busy_only ? ", busy ones" : "");
	if (view->paused) {
		attron(A_REVERSE);
		put(0, COLS > 8 ? COLS - 8 : 0, " PAUSED ");
		attroff(A_REVERSE);
	}
	draw_limit(1, "max_bytes", sample->limits.bytes, sample->limits.max_bytes);
	draw_limit(2, "user_max_bytes", sample->limits.user_bytes, sample->limits.user_max_bytes);
	if (view->typing || *view->filter)
		put(3, 0, "filter: %s%s", view->filter, view->typing ? "_" : "");
}

static bool shows_owners(void)
{
	return getmaxx(stdscr) > OWNER_COLUMN + 10;
}

/* The largest values of all rows, each shown as a full bar. */
struct scale {
	uint64_t pending;
	uint64_t leased;
	uint64_t waiters;
};

static void draw_row(int line, const struct row *row, const struct scale *scale)
{
	char pending[UNITS_TEXT], leased[UNITS_TEXT], waiters[UNITS_TEXT], sent[UNITS_TEXT],
		received[UNITS_TEXT], bytes[UNITS_TEXT], owner[NAMES_TEXT];
	const struct ke_stat *stat = &row->stat;

	put(line, 0, "%11d %7s %8s %6s %6s %6s %6s %7s %7s %7s", stat->id,
	    format_count(pending, stat->pending), "", format_count(leased, stat->leased), "",
	    format_count(waiters, stat->waiters), "",
	    format_count(sent, (uint64_t)(row->sent + 0.5)),
	    format_count(received, (uint64_t)(row->received + 0.5)),
	    format_bytes(bytes, stat->bytes));
	draw_bar(line, 20, 8, (double)stat->pending, (double)scale->pending);
	draw_bar(line, 36, 6, (double)stat->leased, (double)scale->leased);
	draw_bar(line, 50, 6, (double)stat->waiters, (double)scale->waiters);
	if (shows_owners() && stat->claimed)
		put(line, OWNER_COLUMN + 4, "%s",
		    owner_name(owner, stat->owner_uid, stat->owner_gid));
}

static void draw_header(void)
{
	attron(A_REVERSE);
	mvhline(HEADER_LINES - 1, 0, ' ' | A_REVERSE, COLS);
	put(HEADER_LINES - 1, 0, "%11s %7s %8s %6s %6s %6s %6s %7s %7s %7s", "ID", "PENDING", "",
	    "LEASED", "", "WAIT", "", "SENT/s", "RECV/s", "BYTES");
	if (shows_owners())
		put(HEADER_LINES - 1, OWNER_COLUMN + 4, "OWNER");
	attroff(A_REVERSE);
}

static bool is_shown(const struct view *view, const struct row *row)
{
	const struct ke_stat *stat = &row->stat;

	if (view->busy_only && !stat->pending && !stat->leased && !stat->waiters &&
	    row->sent <= 0 && row->received <= 0)
		return false;
	return !*view->filter || row_matches(row, view->filter);
}

static void draw_rows(struct view *view, const struct sample *sample)
{
	struct row **rows = xzalloc(((size_t)sample->count + 1) * sizeof(struct row *));
	struct scale scale = { 0, 0, 0 };
	int count = 0, last;

	for (int i = 0; i < sample->count; i++) {
		struct row *row = &sample->rows[i];

		if (!is_shown(view, row))
			continue;
		rows[count++] = row;
		if (row->stat.pending > scale.pending)
			scale.pending = row->stat.pending;
		if (row->stat.leased > scale.leased)
			scale.leased = row->stat.leased;
		if (row->stat.waiters > scale.waiters)
			scale.waiters = row->stat.waiters;
	}
	rows_sort(rows, count, view->order, view->reversed);
	last = count - screen_rows();
	if (view->first > last)
		view->first = last;
	if (view->first < 0)
		view->first = 0;
	for (int i = 0; i < screen_rows() && view->first + i < count; i++)
		draw_row(HEADER_LINES + i, rows[view->first + i], &scale);
	if (!count)
		put(HEADER_LINES, 0, sample->count ? "no ID matches" : "no ID is in use");
	free(rows);
}

static void draw_help(void)
{
	static const char *const lines[] = {
		"b  by backlog: most events first",
		"r  by rate: sent and received per second",
		"i  by ID",
		"l  by leases",
		"w  by waiters",
		"m  by memory",
		"R  reverse the order",
		"a  only busy IDs, or all",
		"/  filter by text in the ID or its owner; Enter ends it, Esc removes it",
		"p  pause or continue (space)",
		"up, down, page up, page down, home",
		"h  this help (?)",
		"q  quit",
	};

	int count = (int)(sizeof(lines) / sizeof(lines[0]));

	for (int i = 0; i < count && i < screen_rows(); i++)
		put(HEADER_LINES + i, 2, "%s", lines[i]);
}

void screen_draw(struct view *view, const struct sample *sample)
{
	erase();
	draw_summary(view, sample);
	draw_header();
	if (view->help)
		draw_help();
	else
		draw_rows(view, sample);
	mvprintw(LINES - 1, 0, "%.*s", COLS - 1,
		 "q quit  h help  b backlog  r rate  i id  m memory  R reverse  / filter  p pause");
	refresh();
}
