// SPDX-License-Identifier: GPL-2.0-only
/* Unix sockets, one message in a call and, by sendmmsg() and recvmmsg(), ten. */
#include "line.h"
#include "measure.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* As many as wait in a datagram socket by default. */
#define BATCH	10

/* For sendmmsg() and recvmmsg(); a program that calls them prepares this once. */
static struct mmsghdr sends[BATCH], receives[BATCH];
static struct iovec sources[BATCH], sinks[BATCH];

static void prepare(struct mmsghdr *messages, struct iovec *parts,
		    char (*memory)[LINE_SIZE_MAX], size_t size)
{
	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec) { memory[i], size };
		messages[i] = (struct mmsghdr) {
			.msg_hdr = { .msg_iov = &parts[i], .msg_iovlen = 1 },
		};
	}
}

static void pair_open(struct line *line, int type)
{
	int ends[2], room = 4 << 20;

	must(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
	line->in = ends[0];
	line->out = ends[1];
	must(setsockopt(line->in, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) == 0,
	     "SO_SNDBUFFORCE");
	prepare(sends, sources, line_source, line->size);
	prepare(receives, sinks, line_sink, line->size);
}

static void datagram_open(struct line *line)
{
	pair_open(line, SOCK_DGRAM);
}

static void seqpacket_open(struct line *line)
{
	pair_open(line, SOCK_SEQPACKET);
}

static void socket_close(struct line *line)
{
	close(line->in);
	close(line->out);
}

static void socket_send(struct line *line)
{
	must(send(line->in, line_source[0], line->size, 0) == (ssize_t)line->size, "send");
}

static void socket_receive(struct line *line)
{
	must(recv(line->out, line_sink[0], line->size, 0) == (ssize_t)line->size, "recv");
}

static void socket_send_batch(struct line *line)
{
	must(sendmmsg(line->in, sends, BATCH, 0) == BATCH, "sendmmsg");
}

static void socket_receive_batch(struct line *line)
{
	must(recvmmsg(line->out, receives, BATCH, 0, NULL) == BATCH, "recvmmsg");
}

const struct line_kind datagram_line = {
	.name = "datagram",
	.each = 1,
	.size_max = LINE_SIZE_MAX,
	.open = datagram_open,
	.close = socket_close,
	.send = socket_send,
	.receive = socket_receive,
};

const struct line_kind datagram_batch_line = {
	.name = "datagram-batch",
	.each = BATCH,
	.size_max = LINE_SIZE_MAX,
	.open = datagram_open,
	.close = socket_close,
	.send = socket_send_batch,
	.receive = socket_receive_batch,
};

const struct line_kind seqpacket_line = {
	.name = "seqpacket",
	.each = 1,
	.size_max = LINE_SIZE_MAX,
	.open = seqpacket_open,
	.close = socket_close,
	.send = socket_send,
	.receive = socket_receive,
};

const struct line_kind seqpacket_batch_line = {
	.name = "seqpacket-batch",
	.each = BATCH,
	.size_max = LINE_SIZE_MAX,
	.open = seqpacket_open,
	.close = socket_close,
	.send = socket_send_batch,
	.receive = socket_receive_batch,
};
