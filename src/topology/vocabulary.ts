/** How a VIP reaches its backends; the words of analyze's `mode`, but for `forward`, which is no balancing. */
export const FORWARDING_MODES = ["dnat", "fullnat", "dsr-l2", "dsr-tunnel", "proxy"] as const;
export type ForwardingMode = (typeof FORWARDING_MODES)[number];

/** What picks the backend. A scheduler that is none of these is left out (null): better no word than a wrong one. */
export const SCHEDULERS = ["rr", "wrr", "lc", "source", "5-tuple", "random"] as const;
export type Scheduler = (typeof SCHEDULERS)[number];

export const NODE_ROLES = ["client", "router", "lb", "backend", "middlebox", "unknown"] as const;
export type NodeRole = (typeof NODE_ROLES)[number];

export const PROTOCOLS = ["tcp", "udp"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export const PROXY_HEADERS = ["v1", "v2"] as const;
export type ProxyHeader = (typeof PROXY_HEADERS)[number];
