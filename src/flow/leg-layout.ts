/**
 * Where each field of a leg lies in its record.
 *
 * A leg is one contiguous record, so that a packet touches a few neighbouring cache lines and not one per field. The
 * record is a leg header and two sides: side 0 is the client's (the opener's), side 1 the server's. Word offsets index
 * an Int32Array, `*_D` offsets a Float64Array over the same memory. Cold code reads legs through `LegView` instead.
 */

// ---- Leg header: doubles first, so that they are aligned.
/** Time of the last packet of either side, ns. */
export const LAST_TIME_D = 0;
/** Time of the ACK that completed the handshake, ns; NaN until then. */
export const HANDSHAKE_ACK_TIME_D = 16;
/** When the silence began that the last packet broke and nobody has answered yet, ns; NaN where none is open. */
export const GAP_START_D = 17;
/** Longest silence after which the conversation went on, ns. */
export const GAP_SURVIVED_D = 18;
/** When the packet came that broke the silence, ns. */
export const GAP_BREAK_TIME_D = 19;

export const HASH = 2;
/** Observation point and encapsulation, as indexes into the tracker's tables. */
export const POINT = 12;
export const CONTEXT = 13;
export const PROTOCOL = 14;
/** Bits of `LEG_*` below. */
export const STATE = 15;
/** Source port of side 0 in the high half, of side 1 in the low half. */
export const PORTS = 3;
/** Address of side 0, then of side 1: four words each. */
export const ADDRESS = 4;
/** Zeek history: letters as 5-bit codes, six to a word. */
export const HISTORY = 22;
export const HISTORY_WORDS = 4;
export const HISTORY_LENGTH = 21;
export const HISTORY_SEEN = 19;
export const FIRST_FRAME = 20;
export const LAST_FRAME = 16;
/** First and last event of this leg in the event log, plus 1; 0 is none. */
export const EVENT_HEAD = 27;
export const EVENT_TAIL = 28;
export const EVENT_COUNT = 26;
/** Of them, those that the log has kept. */
export const EVENTS_KEPT = 45;
/** Side and frame of the packet that broke the open silence. */
export const GAP_SIDE = 18;
export const GAP_FRAME = 17;
/** Its event in the log, plus 1. */
export const GAP_EVENT = 40;
/** Hash of all that was captured of the first payload (at most 256 bytes), of side 0 and of side 1; 0 is none. */
export const PAYLOAD_WHOLE = 42;
/** ICMP errors that quoted this leg. */
export const ICMP_ERRORS = 41;
/** TTLs, a byte each from the lowest: of the copies of side 0 and side 1, of the last reset of side 0 and side 1. */
export const OTHER_TTLS = 44;

export const HEADER_WORDS = 48;

// ---- One side: doubles relative to the side's start in doubles, words to its start in words.
export const WIRE_BYTES_D = 0;
export const PAYLOAD_BYTES_D = 1;
export const FIRST_TIME_D = 32;
export const SIDE_LAST_TIME_D = 2;
/** Time of the first SYN (side 0) or SYN-ACK (side 1), NaN where not seen. */
export const SYN_TIME_D = 33;
/** Time of the first byte of payload, NaN where none. */
export const DATA_TIME_D = 34;
export const FIN_TIME_D = 35;
/** When the open hole in the sequence space was first seen. */
export const HOLE_TIME_D = 36;
/** Time of the last segment with payload. */
export const LAST_DATA_TIME_D = 3;

export const PACKETS = 8;
/** Sequence number of the SYN; without one, of the first segment seen. */
export const BASE_SEQ = 27;
/** One past the highest sequence number sent. */
export const NEXT_SEQ = 18;
/** Highest acknowledgment number sent. */
export const HIGHEST_ACK = 19;
export const LAST_SEQ = 23;
export const LAST_LENGTH = 24;
export const LAST_FLAGS = 25;
/** Last window as sent, unscaled. */
export const LAST_WINDOW = 26;
/** MSS of the SYN in the low half, window scale + 1 in bits 16-23 (0: no such option). */
export const SYN_OPTIONS = 74;
export const RETRANSMITS = 28;
export const OUT_OF_ORDER = 75;
export const DUPLICATE_ACKS = 29;
export const ZERO_WINDOWS = 76;
export const KEEPALIVES = 77;
/** The same packet seen again on its way through this point (a one-armed router, layer-2 DSR, `-i any`). */
export const COPIES = 78;
/** TTL: lowest, highest, first and last seen, a byte each from the lowest. */
export const TTL = 13;
/** IP identification: last in the low half, first in the high half. */
export const IP_ID = 14;
export const IP_ID_ZEROS = 16;
/** Packets whose identification followed the one before by 1..64: a counter of the sender's own. */
export const IP_ID_STEPS = 15;
/** Bits of `SIDE_*` below. */
export const TRAITS = 9;
export const MAC = 10;
/** MACs of the last stretch on which copies were seen. */
export const COPY_MAC = 79;
export const MAC_CHANGES = 82;
/** SYNs (side 0) or SYN-ACKs (side 1), retransmitted ones included. */
export const SYN_COUNT = 83;
export const SYN_FRAME = 84;
export const DATA_FRAME = 22;
export const FIN_FRAME = 85;
/** Hashes of the first 16, 64 and 256 bytes of the first payload, 0 where fewer were captured. */
export const PAYLOAD_HASH = 86;
/** Bytes of the first payload that were captured, at most 256, and its length on the wire, less a PROXY header. */
export const PAYLOAD_SEEN = 89;
export const FIRST_LENGTH = 90;
export const TS_FIRST = 91;
export const TS_LAST = 17;
export const HOLE_START = 92;
export const HOLE_END = 93;
/** Acknowledgments by this side of bytes that the capture never saw from the other. */
export const ACKS_OF_UNSEEN = 94;
/** Largest payload seen in one segment of this side, and largest of it that was acknowledged. */
export const LARGEST_SENT = 20;
export const LARGEST_ACKED = 21;
export const RESETS = 31;
/** Sequence number of the last segment that was sent again, and how often it was. */
export const REPEATED_SEQ = 30;
export const REPEATED_COUNT = 95;

export const SIDE_WORDS = 32;

export const SIDE_0 = HEADER_WORDS;
export const SIDE_1 = HEADER_WORDS + SIDE_WORDS;
/** Words of a record: header and two sides. */
export const LEG_WORDS = HEADER_WORDS + 4 * SIDE_WORDS;

// ---- Bits of STATE.
/** The first packet seen was neither SYN nor SYN-ACK: who opened is a guess by port. */
export const LEG_MIDSTREAM = 1;
export const LEG_SYN = 2;
export const LEG_SYN_ACK = 4;
export const LEG_ESTABLISHED = 8;
export const LEG_FIN_UP = 16;
export const LEG_FIN_DOWN = 32;
export const LEG_FIN_UP_ACKED = 64;
export const LEG_FIN_DOWN_ACKED = 128;
export const LEG_RST_UP = 256;
export const LEG_RST_DOWN = 512;
/** Superseded by a new leg of the same 4-tuple. */
export const LEG_REUSED = 1024;
/** The opener's packets enter the innermost tunnel at its sorted-low end (see contexts.ts). */
export const LEG_TUNNEL_FROM_LOW = 2048;

// ---- Bits of TRAITS.
export const SIDE_SEEN = 1;
export const SIDE_DF_SET = 2;
export const SIDE_DF_CLEAR = 4;
export const SIDE_TIMESTAMPS = 8;
/** A segment without timestamps, resets apart. */
export const SIDE_NO_TIMESTAMPS = 16;
export const SIDE_SACK_PERMITTED = 32;
export const SIDE_HOLE = 64;
export const SIDE_OVERSIZED = 128;
export const SIDE_TOA = 256;
/** Options of the SYN include fast open. */
export const SIDE_FAST_OPEN = 512;
/** BASE_SEQ and NEXT_SEQ hold. */
export const SIDE_HAS_BASE = 1024;
/** HIGHEST_ACK holds. */
export const SIDE_HAS_ACK = 2048;
/** The first payload was a PROXY header. */
export const SIDE_PROXY_HEADER = 4096;
/** A copy of the last packet was seen. */
export const SIDE_COPIED = 8192;
