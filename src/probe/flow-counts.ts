import type { AddressWords } from "../topology/address.ts";
import { HOST_ORDER, readAddress } from "./event-head.ts";
import type { FlowTap } from "./flow-tap.ts";

/** Bytes of the structs of probes/flowtap/table.h, and where their fields are. */
const CONVERSATION_BYTES = 128;
const VERSION_AT = 44;
const STORIES_AT = 48;
const STORY_BYTES = 8;
const WAYS_AT = 64;
const WAY_BYTES = 32;
const REST_BYTES = 32;

/** Totals of one direction of a conversation as one interface passed it. */
export interface TapFlow {
  ifindex: number;
  protocol: number;
  src: AddressWords;
  dst: AddressWords;
  srcPort: number;
  dstPort: number;
  /** Tunnels that it lies in; its own ends are the innermost. */
  tunnels: number;
  hasVlanTag: boolean;
  /** On the wire: of segments that offload put together each, link layer included. */
  packets: number;
  bytes: number;
  /** CLOCK_MONOTONIC, ns. */
  firstNs: bigint;
  lastNs: bigint;
  /** All TCP flags that were seen. */
  flags: number;
}

/** Conversations in the tap's table whose last packet is later than `sinceNs` (CLOCK_MONOTONIC); all without it. */
export function readFlows(tap: FlowTap, sinceNs = -1n): TapFlow[] {
  const flows: TapFlow[] = [];
  tap.flows().readAll((table, rests, count) => {
    for (let i = 0; i < count; i++) {
      const at = i * CONVERSATION_BYTES;
      const version = table.getUint32(at + VERSION_AT, HOST_ORDER);
      // odd while the kernel puts another conversation there
      if (version === 0 || version % 2 === 1) continue;
      const kept = flows.length;
      for (const way of [0, 1] as const) {
        const w = at + WAYS_AT + way * WAY_BYTES;
        const packets = Number(table.getBigUint64(w, HOST_ORDER));
        const lastNs = table.getBigUint64(w + 16, HOST_ORDER);
        if (packets === 0 || lastNs <= sinceNs) continue;
        const ends = [readAddress(table, at), readAddress(table, at + 16)] as const;
        const ports = [table.getUint16(at + 32, HOST_ORDER), table.getUint16(at + 34, HOST_ORDER)] as const;
        const back = way === 0 ? 1 : 0;
        flows.push({
          src: ends[way],
          dst: ends[back],
          srcPort: ports[way],
          dstPort: ports[back],
          ifindex: table.getUint32(at + 36, HOST_ORDER),
          protocol: table.getUint8(at + 40),
          tunnels: table.getUint8(at + 41),
          hasVlanTag: table.getUint16(at + 42, HOST_ORDER) !== 0,
          packets,
          bytes: Number(table.getBigUint64(w + 8, HOST_ORDER)),
          firstNs: rests.getBigUint64((2 * i + way) * REST_BYTES, HOST_ORDER),
          lastNs,
          flags: table.getUint8(at + STORIES_AT + way * STORY_BYTES + 4),
        });
      }
      // another conversation came in between
      if (table.getUint32(at + VERSION_AT, HOST_ORDER) !== version) flows.length = kept;
    }
  });
  return flows;
}
