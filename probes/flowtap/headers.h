/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Finds the conversation that a packet belongs to: through VLAN tags and tunnels to the innermost transport header. */
#ifndef L4SCOPE_HEADERS_H
#define L4SCOPE_HEADERS_H

#include "../include/event.h"

#define IPPROTO_ICMP 1
#define IPPROTO_IPIP 4
#define IPPROTO_UDP 17
#define IPPROTO_IPV6 41
#define IPPROTO_GRE 47
#define IPPROTO_ICMPV6 58
#define IPPROTO_VRRP 112
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_TEB 0x6558
#define VXLAN_PORT 4789
#define VXLAN_LINUX_PORT 8472
#define GENEVE_PORT 6081
#define GUE_PORT 6080
#define KATRAN_GUE_PORT 9886
#define GLB_GUE_PORT 19523
/* Layers that are walked through: a tunnel in a tunnel with two tags each is within it. */
#define MAX_LAYERS 10

enum found {
	FOUND_NOTHING,
	FOUND_CONVERSATION, /* TCP or UDP */
	FOUND_MESSAGE,	  /* told whenever it comes: ARP, neighbour discovery, VRRP, an ICMP error */
};

/* One direction of a conversation as it passes one interface. */
struct flow_key {
	__be32 src[4]; /* IPv4 as ::ffff:a.b.c.d */
	__be32 dst[4];
	u16 src_port; /* of the host's byte order */
	u16 dst_port;
	u32 ifindex;
	u8 protocol;
	u8 tunnels; /* how many it lies in */
	u16 tags;	 /* 1 where it has a VLAN tag */
};

/* What the walk found besides the key. */
struct segment_facts {
	u32 seq;
	u32 ack;
	u32 payload_bytes;
	u32 header_bytes; /* from the link layer to the payload */
	u32 macs;	  /* both MACs of the outermost frame, mixed */
	u16 ip_id;	  /* of the innermost header; IPv6 has none */
	u16 window;
	u8 flags;
	u8 is_first_fragment;
};

struct ethernet_header {
	__be32 macs[3];
	__be16 type;
} __attribute__((packed));

struct ipv4_header {
	u8 version_ihl;
	u8 tos;
	__be16 length;
	__be16 id;
	__be16 fragment;
	u8 ttl;
	u8 protocol;
	__be16 checksum;
	__be32 src;
	__be32 dst;
};

struct ipv6_header {
	u8 version;
	u8 flow[3];
	__be16 length;
	u8 next;
	u8 hop_limit;
	__be32 src[4];
	__be32 dst[4];
};

/* As far as it is read. */
struct tcp_header {
	__be16 src;
	__be16 dst;
	__be32 seq;
	__be32 ack;
	u8 data_offset;
	u8 flags;
	__be16 window;
};

static __always_inline void map_v4(__be32 to[4], __be32 v4)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = bpf_htonl(0xffff);
	to[3] = v4;
}

static __always_inline u32 mix_macs(const struct ethernet_header *ethernet)
{
	return ethernet->macs[0] ^ ethernet->macs[1] * 3 ^ ethernet->macs[2] * 5;
}

static __always_inline void set_segment(struct flow_key *key, struct segment_facts *facts,
					const struct tcp_header *tcp)
{
	key->src_port = bpf_ntohs(tcp->src);
	key->dst_port = bpf_ntohs(tcp->dst);
	facts->seq = bpf_ntohl(tcp->seq);
	facts->ack = bpf_ntohl(tcp->ack);
	facts->flags = tcp->flags;
	facts->window = bpf_ntohs(tcp->window);
}

/*
 * What most packets are, read in place: a TCP segment right behind Ethernet and an IP header without options. False
 * for anything else, and where the packet lies in pieces.
 */
static __always_inline bool is_plain_tcp(struct __sk_buff *skb, struct flow_key *key, struct segment_facts *facts)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethernet_header *ethernet = data;
	struct tcp_header *tcp;
	u32 payload_end;

	if (data + sizeof(*ethernet) + sizeof(struct ipv4_header) + sizeof(*tcp) > end)
		return false;
	if (ethernet->type == bpf_htons(ETHERTYPE_IPV4)) {
		struct ipv4_header *ip = (void *)(ethernet + 1);
		if (ip->version_ihl != 0x45 || ip->protocol != IPPROTO_TCP || (ip->fragment & bpf_htons(0x3fff)))
			return false;
		tcp = (void *)(ip + 1);
		map_v4(key->src, ip->src);
		map_v4(key->dst, ip->dst);
		facts->ip_id = bpf_ntohs(ip->id);
		facts->header_bytes = sizeof(*ethernet) + sizeof(*ip) + (tcp->data_offset >> 4) * 4;
		payload_end = ip->length ? sizeof(*ethernet) + bpf_ntohs(ip->length) : skb->len;
	} else if (ethernet->type == bpf_htons(ETHERTYPE_IPV6)) {
		struct ipv6_header *ip = (void *)(ethernet + 1);
		tcp = (void *)(ip + 1);
		if ((void *)(tcp + 1) > end || ip->next != IPPROTO_TCP)
			return false;
		__builtin_memcpy(key->src, ip->src, sizeof(key->src));
		__builtin_memcpy(key->dst, ip->dst, sizeof(key->dst));
		facts->header_bytes = sizeof(*ethernet) + sizeof(*ip) + (tcp->data_offset >> 4) * 4;
		payload_end = ip->length ? sizeof(*ethernet) + sizeof(*ip) + bpf_ntohs(ip->length) : skb->len;
	} else {
		return false;
	}
	set_segment(key, facts, tcp);
	key->protocol = IPPROTO_TCP;
	facts->macs = mix_macs(ethernet);
	facts->payload_bytes = payload_end > facts->header_bytes ? payload_end - facts->header_bytes : 0;
	return true;
}

static __always_inline bool is_icmp_error(u8 protocol, u8 type)
{
	if (protocol == IPPROTO_ICMP)
		return type == 3 || type == 5 || type == 11 || type == 12; /* unreachable, redirect, time, parameter */
	/* errors have the high bit clear (RFC 4443 2.1); 133 to 137 are neighbour discovery (RFC 4861) */
	return type < 128 || (type >= 133 && type <= 137);
}

/* Where the payload of a UDP datagram that is a tunnel goes on: its type as an EtherType, 0 where it is none. */
static __always_inline u16 enter_udp_tunnel(struct __sk_buff *skb, u16 port, u32 *offset)
{
	u8 head[8];

	if (port != VXLAN_PORT && port != VXLAN_LINUX_PORT && port != GENEVE_PORT && port != GUE_PORT &&
	    port != KATRAN_GUE_PORT && port != GLB_GUE_PORT)
		return 0;
	if (bpf_skb_load_bytes(skb, *offset, head, sizeof(head)))
		return 0;
	if (port == VXLAN_PORT || port == VXLAN_LINUX_PORT) {
		if (!(head[0] & 0x08)) /* RFC 7348: the VNI is valid */
			return 0;
		*offset += 8;
		return ETHERTYPE_TEB;
	}
	if (port == GENEVE_PORT) { /* RFC 8926 */
		if (head[0] >> 6)
			return 0;
		*offset += 8 + (head[0] & 0x3f) * 4;
		return head[2] << 8 | head[3];
	}
	/* draft-ietf-intarea-gue-09: variant 1 is bare IP, variant 0 has a header with its length and the protocol */
	if (head[0] >> 6 == 1)
		return head[0] >> 4 == 4 ? ETHERTYPE_IPV4 : head[0] >> 4 == 6 ? ETHERTYPE_IPV6 : 0;
	if (head[0] >> 5)
		return 0;
	*offset += 4 + (head[0] & 0x1f) * 4;
	return head[1] == IPPROTO_IPIP ? ETHERTYPE_IPV4 : head[1] == IPPROTO_IPV6 ? ETHERTYPE_IPV6 : 0;
}

/* RFC 2784 and 2890; PPTP's version 1 is none of ours. */
static __always_inline u16 enter_gre(struct __sk_buff *skb, u32 *offset)
{
	u8 head[4];

	if (bpf_skb_load_bytes(skb, *offset, head, sizeof(head)) || (head[0] & 0x40) || (head[1] & 7))
		return 0;
	*offset += 4 + (head[0] & 0x80 ? 4 : 0) + (head[0] & 0x20 ? 4 : 0) + (head[0] & 0x10 ? 4 : 0);
	return head[2] << 8 | head[3];
}

/*
 * Where a walk has got to. It is kept in a map between layers, for what is read from there the verifier knows nothing
 * of: before Linux 6.4 it tells states of programs with several functions apart by every number in them, and would
 * follow each way to an offset on its own, a million instructions and more.
 */
struct walk {
	u32 offset;
	u32 ip_end;
	u16 type; /* EtherType of what comes next */
	/* what was found, in the end */
	struct flow_key key;
	struct segment_facts facts;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk);
} walks SEC(".maps");

/* Walks from the link layer, or where there is none from the IP header, to the innermost transport header. */
static __noinline enum found find_conversation(struct __sk_buff *skb, bool has_link_layer, struct flow_key *key,
					       struct segment_facts *facts)
{
	u32 zero = 0;
	volatile struct walk *walk = bpf_map_lookup_elem(&walks, &zero);

	if (!walk)
		return FOUND_NOTHING;
	walk->type = has_link_layer ? ETHERTYPE_TEB : bpf_ntohs(skb->protocol);
	walk->offset = 0;
#pragma clang loop unroll(disable)
	for (int layer = 0; layer < MAX_LAYERS; layer++) {
		u16 type = walk->type;
		u32 offset = walk->offset;
		u8 protocol = 0;

		if (type == ETHERTYPE_TEB) {
			struct ethernet_header ethernet;
			if (bpf_skb_load_bytes(skb, offset, &ethernet, sizeof(ethernet)))
				return FOUND_NOTHING;
			if (layer == 0)
				facts->macs = mix_macs(&ethernet);
			type = bpf_ntohs(ethernet.type);
			offset += 14;
		} else if (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ) {
			__be16 inner;
			if (bpf_skb_load_bytes(skb, offset + 2, &inner, sizeof(inner)))
				return FOUND_NOTHING;
			type = bpf_ntohs(inner);
			offset += 4;
			key->tags = 1;
		} else if (type == ETHERTYPE_ARP) {
			return key->tunnels ? FOUND_NOTHING : FOUND_MESSAGE;
		} else if (type == ETHERTYPE_IPV4) {
			struct ipv4_header ip;
			if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) || ip.version_ihl >> 4 != 4)
				return FOUND_NOTHING;
			u16 fragment = bpf_ntohs(ip.fragment);
			if (fragment & 0x1fff)
				return FOUND_NOTHING;
			facts->is_first_fragment = (fragment & 0x2000) != 0;
			facts->ip_id = bpf_ntohs(ip.id);
			/* 0: larger than it can say (BIG TCP) */
			walk->ip_end = ip.length ? offset + bpf_ntohs(ip.length) : skb->len;
			offset += (ip.version_ihl & 15) * 4;
			protocol = ip.protocol;
			map_v4(key->src, ip.src);
			map_v4(key->dst, ip.dst);
		} else if (type == ETHERTYPE_IPV6) {
			struct ipv6_header ip;
			if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) || ip.version >> 4 != 6)
				return FOUND_NOTHING;
			facts->is_first_fragment = 0;
			facts->ip_id = 0;
			walk->ip_end = ip.length ? offset + 40 + bpf_ntohs(ip.length) : skb->len;
			offset += 40;
			protocol = ip.next;
			__builtin_memcpy(key->src, ip.src, 16);
			__builtin_memcpy(key->dst, ip.dst, 16);
			for (int i = 0; i < 3; i++) {
				u8 extension[4];
				/* hop-by-hop, routing, fragment, destination options */
				if (protocol != 0 && protocol != 43 && protocol != 44 && protocol != 60)
					break;
				if (bpf_skb_load_bytes(skb, offset, extension, sizeof(extension)))
					return FOUND_NOTHING;
				if (protocol == 44) {
					if (extension[2] || extension[3] & 0xf8)
						return FOUND_NOTHING;
					facts->is_first_fragment = extension[3] & 1;
					offset += 8;
				} else {
					offset += 8 + extension[1] * 8;
				}
				protocol = extension[0];
			}
		} else {
			return FOUND_NOTHING;
		}
		walk->offset = offset;
		walk->type = type;
		if (!protocol)
			continue;

		/* what an IP header is followed by */
		offset = walk->offset;
		type = 0;
		if (protocol == IPPROTO_TCP) {
			struct tcp_header tcp;
			if (bpf_skb_load_bytes(skb, offset, &tcp, sizeof(tcp)))
				return FOUND_NOTHING;
			set_segment(key, facts, &tcp);
			offset += (tcp.data_offset >> 4) * 4;
		} else if (protocol == IPPROTO_UDP) {
			__be16 ports[4];
			if (bpf_skb_load_bytes(skb, offset, ports, sizeof(ports)))
				return FOUND_NOTHING;
			offset += 8;
			type = enter_udp_tunnel(skb, bpf_ntohs(ports[1]), &offset);
			key->src_port = bpf_ntohs(ports[0]);
			key->dst_port = bpf_ntohs(ports[1]);
		} else if (protocol == IPPROTO_GRE) {
			type = enter_gre(skb, &offset);
		} else if (protocol == IPPROTO_IPIP) {
			type = ETHERTYPE_IPV4;
		} else if (protocol == IPPROTO_IPV6) {
			type = ETHERTYPE_IPV6;
		} else if (protocol == IPPROTO_VRRP) {
			return FOUND_MESSAGE;
		} else if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
			u8 message;
			if (bpf_skb_load_bytes(skb, offset, &message, 1))
				return FOUND_NOTHING;
			return is_icmp_error(protocol, message) ? FOUND_MESSAGE : FOUND_NOTHING;
		}
		if (type) {
			key->tunnels++;
			walk->offset = offset;
			walk->type = type;
			continue;
		}
		if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
			return FOUND_NOTHING;
		key->protocol = protocol;
		facts->header_bytes = offset;
		u32 ip_end = walk->ip_end;
		facts->payload_bytes = ip_end > offset ? ip_end - offset : 0;
		/* there and back, for the same reason: all ways to here are one from now on */
		struct walk *found = (struct walk *)walk;
		found->key = *key;
		found->facts = *facts;
		asm volatile("" ::: "memory");
		*key = found->key;
		*facts = found->facts;
		return FOUND_CONVERSATION;
	}
	return FOUND_NOTHING;
}

#endif
