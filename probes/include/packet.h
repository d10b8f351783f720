/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads the headers of a received TCP segment, by their offsets in RFC 791, RFC 8200 and RFC 9293. */
#ifndef L4SCOPE_PACKET_H
#define L4SCOPE_PACKET_H

#include "event.h"
#include "socket.h"

struct segment {
	u32 seq;
	u32 ack;
	u8 flags;
};

/* The ends as the receiver sees them; false where the headers are not those of a TCP segment. */
static __always_inline bool read_segment(struct ends *ends, struct segment *segment, const unsigned char *head,
					 u16 network, u16 transport)
{
	u8 ip[40] = {};
	u8 tcp[14] = {};

	if (!head || bpf_probe_read_kernel(tcp, sizeof(tcp), head + transport))
		return false;
	if (bpf_probe_read_kernel(ip, 20, head + network))
		return false;
	if (ip[0] >> 4 == 4) {
		mapped_address(ends->remote, *(__be32 *)(ip + 12));
		mapped_address(ends->local, *(__be32 *)(ip + 16));
	} else if (ip[0] >> 4 == 6) {
		if (bpf_probe_read_kernel(ip, sizeof(ip), head + network))
			return false;
		__builtin_memcpy(ends->remote, ip + 8, 16);
		__builtin_memcpy(ends->local, ip + 24, 16);
	} else {
		return false;
	}
	ends->remote_port = tcp[0] << 8 | tcp[1];
	ends->local_port = tcp[2] << 8 | tcp[3];
	segment->seq = bpf_ntohl(*(__be32 *)(tcp + 4));
	segment->ack = bpf_ntohl(*(__be32 *)(tcp + 8));
	segment->flags = tcp[13];
	return true;
}

#endif
