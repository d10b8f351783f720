/**
 * What a difference must reach to be called one. Chance must explain it once in a hundred comparisons at most, whatever
 * the number of tests in each; and somebody must mind it.
 */
export const ALPHA = 0.01;

/** Of all connections: refused, reset, timed out, moved. */
export const LEAST_FAILURE_DIFFERENCE = 0.0005;
/** Of all packets, and in proportion. */
export const LEAST_RETRANSMIT_DIFFERENCE = 0.001;
export const LEAST_RETRANSMIT_RATIO = 1.5;
/** Of all connections, those that go elsewhere than before. */
export const LEAST_SHARE_DIFFERENCE = 0.02;
/**
 * Of the lower quantile, and seconds. In the lab's healthy captures, first bytes of one half are up to 0.4 ms quicker
 * than those of the other: programs warm up.
 */
export const LEAST_TIMING_RATIO = 1.2;
export const LEAST_TIMING_SECONDS = 0.5e-3;
/** The same of the third quarter, which a few slow ones move: where only some take longer, they must take much longer. */
export const LEAST_QUARTER_RATIO = 2;
export const LEAST_QUARTER_SECONDS = 5e-3;
/** One side has so many times the other's load, or watched its connections so many times as long. */
export const MUCH_MORE = 1.5;
/** Chance that one takes longer after than before: 0.5 is none. */
export const LEAST_SUPERIORITY = 0.1;
/** Clients on each side, below which they show nothing of how clients differ. */
export const MIN_CLIENTS = 4;
/** Machines are busy with other things for a second or so: a shorter side shows that, and no change (lab: dnat-ipv6). */
export const MIN_TIMED_SECONDS = 2;
/** Durations on each side, below which none are compared: the rank test calls too much of fewer (Brunner, Munzel 2000). */
export const MIN_TIMINGS = 16;
/** Shares can be compared where most connections have a backend or member, and about as many on both sides. */
export const MIN_KNOWN = 0.5;
export const MAX_KNOWN_DIFFERENCE = 0.05;
