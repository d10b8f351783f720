import type { AddressWords } from "../topology/address.ts";
import { HOST_ORDER, readAddress } from "./event-head.ts";
import type { FlowTap } from "./flow-tap.ts";

/** Bytes of struct flow_key and struct flow (probes/flowtap). */
const KEY_BYTES = 44;
const FLOW_BYTES = 96;

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

/** Conversations in the tap's map whose last packet is later than `sinceNs` (CLOCK_MONOTONIC); all without it. */
export function readFlows(tap: FlowTap, sinceNs = -1n): TapFlow[] {
  const flows: TapFlow[] = [];
  tap.flows().readAll((keys, values, count) => {
    const key = new DataView(keys.buffer, keys.byteOffset, count * KEY_BYTES);
    const value = new DataView(values.buffer, values.byteOffset, count * FLOW_BYTES);
    for (let i = 0; i < count; i++) {
      const k = i * KEY_BYTES;
      const v = i * FLOW_BYTES;
      const lastNs = value.getBigUint64(v + 16, HOST_ORDER);
      if (lastNs <= sinceNs) continue;
      flows.push({
        src: readAddress(key, k),
        dst: readAddress(key, k + 16),
        srcPort: key.getUint16(k + 32, HOST_ORDER),
        dstPort: key.getUint16(k + 34, HOST_ORDER),
        ifindex: key.getUint32(k + 36, HOST_ORDER),
        protocol: key.getUint8(k + 40),
        tunnels: key.getUint8(k + 41),
        hasVlanTag: key.getUint16(k + 42, HOST_ORDER) !== 0,
        packets: Number(value.getBigUint64(v, HOST_ORDER)),
        bytes: Number(value.getBigUint64(v + 8, HOST_ORDER)),
        firstNs: value.getBigUint64(v + 80, HOST_ORDER),
        lastNs,
        flags: value.getUint8(v + 32),
      });
    }
  });
  return flows;
}
