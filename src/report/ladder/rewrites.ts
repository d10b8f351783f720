import { type EndpointTable, macText } from "../../path/endpoints.ts";
import { type Mac, macHigh, macLow } from "../../path/macs.ts";
import type { Stop } from "./journey.ts";
import type { PacketEvent } from "./packet-event.ts";
import type { Sighting } from "./sighting.ts";

/** What was changed in a packet between two places where it was seen. */
export interface Rewrite {
  /** Number of the stop where it happened, or behind which. */
  stop: number;
  /** True where the same node saw the packet before and after; else it happened on the way to the next one. */
  isInside: boolean;
  /** `dnat`, `snat`, `fullnat` (both ends), `mac`, the name of a tunnel that it entered, or `decap`. */
  kind: string;
  from: string;
  to: string;
}

/**
 * The rewrites of a packet, in the order in which it met them.
 *
 * @param direct MACs of backends to which a balancer hands frames on, see `directMacs`
 */
export function rewritesOf(
  endpoints: EndpointTable,
  direct: ReadonlySet<Mac>,
  event: PacketEvent,
  stops: readonly Stop[],
): Rewrite[] {
  const rewrites: Rewrite[] = [];
  let before: { stop: number; sighting: Sighting } | null = null;
  stops.forEach(({ sightings }, stop) => {
    for (const sighting of sightings) {
      if (before !== null) {
        const isInside = before.stop === stop;
        for (const change of changes(endpoints, direct, event, before.sighting, sighting)) {
          rewrites.push({ stop: before.stop, isInside, ...change });
        }
      }
      before = { stop, sighting };
    }
  });
  return rewrites;
}

type Change = Pick<Rewrite, "kind" | "from" | "to">;

function changes(
  endpoints: EndpointTable,
  direct: ReadonlySet<Mac>,
  event: PacketEvent,
  a: Sighting,
  b: Sighting,
): Change[] {
  const list: Change[] = [];
  if (a.src !== b.src || a.dst !== b.dst) {
    const text = (endpoint: number) => endpoints.text(endpoint);
    if (a.src === b.src) list.push({ kind: "dnat", from: text(a.dst), to: text(b.dst) });
    else if (a.dst === b.dst) list.push({ kind: "snat", from: text(a.src), to: text(b.src) });
    else {
      const both = ({ src, dst }: Sighting) => `${text(src)} > ${text(dst)}`;
      list.push({ kind: "fullnat", from: both(a), to: both(b) });
    }
  }
  const tunnelA = a.encapsulation.filter((text) => text.includes("→"));
  const tunnelB = b.encapsulation.filter((text) => text.includes("→"));
  if (tunnelA.join() !== tunnelB.join()) {
    const entered = tunnelB.at(-1);
    list.push({
      kind: entered === undefined || tunnelB.length < tunnelA.length ? "decap" : (entered.split(" ")[0] ?? "tunnel"),
      from: tunnelA.join(" in "),
      to: tunnelB.join(" in "),
    });
  }
  if (event.direction === "up" && isHandedOn(direct, a, b)) {
    list.push({ kind: "mac", from: macName(a.dstMac), to: macName(b.dstMac) });
  }
  return list;
}

/** Whether a balancer wrote a backend's MAC into a frame between two sightings. */
export function isHandedOn(direct: ReadonlySet<Mac>, before: Sighting, after: Sighting): boolean {
  return before.dstMac !== 0 && direct.has(after.dstMac) && !direct.has(before.dstMac);
}

function macName(mac: Mac): string {
  return macText(macHigh(mac), macLow(mac));
}
