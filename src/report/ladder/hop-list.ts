import { encapsulationName } from "../../decode/encapsulation.ts";
import { macText } from "../../path/endpoints.ts";
import { macHigh, macLow } from "../../path/macs.ts";
import { addressText } from "../../topology/address.ts";
import type { Ladder } from "./ladder.ts";
import type { Rewrite } from "./rewrites.ts";

/** One thing that is done to a connection's packets on their way up, and by whom. */
export interface LadderHop {
  /** The node, or both where it happens between two. */
  nodes: readonly string[];
  /** `dnat`, `snat`, `fullnat`, `mac`, `proxy`, or the name of a tunnel. */
  kind: string;
  from: string;
  to: string;
}

/** What rewrites a connection, in the order in which the client's packets meet it; each once. */
export function hopsOf(ladder: Ladder): LadderHop[] {
  const { connected, connection, columns, steps } = ladder;
  const { set, endpoints } = connected;
  const hops = new Map<string, LadderHop>();
  const add = (hop: LadderHop) => {
    const key = `${hop.nodes.join()} ${hop.kind} ${hop.from} ${hop.to}`;
    if (!hops.has(key)) hops.set(key, hop);
  };
  for (const { event, journey, rewrites } of steps) {
    if (event.kind === "error" || (event.direction === "down" && !isOnlyDown(steps, rewrites))) continue;
    for (const { stop, isInside, kind, from, to } of rewrites) {
      const next = isInside ? undefined : journey.stops[stop + 1];
      const nodes = [journey.stops[stop]!, ...(next ? [next] : [])].map(({ column }) => columns[column]!.name);
      if (kind !== "decap") add({ nodes, kind, from: named(ladder, kind, from), to: named(ladder, kind, to) });
    }
  }
  const behind = connection.hops.indexOf("proxy");
  if (behind >= 0) {
    const view = set.view(connection.legs[behind]!);
    const between = columns.find(({ sessions }) => sessions.length > 1);
    add({
      nodes: [between?.name ?? "lb"],
      kind: "proxy",
      from: endpoints.text(endpoints.ofWords(view.src, view.srcPort)),
      to: endpoints.text(endpoints.ofWords(view.dst, view.dstPort)),
    });
  }
  return [...hops.values(), ...tunnelsSeen(ladder, hops)];
}

/** A MAC with the node that owns it, where one of the points does. */
function named({ connected, macs }: Ladder, kind: string, text: string): string {
  if (kind !== "mac") return text;
  const point = macs.findIndex((mac) => mac !== null && macText(macHigh(mac), macLow(mac)) === text);
  return point < 0 ? text : `${text} (${connected.set.points[point]!.nodeName})`;
}

/** A rewrite of answers is the other side of that of requests, unless nothing shows the latter. */
function isOnlyDown(steps: Ladder["steps"], rewrites: readonly Rewrite[]): boolean {
  return (
    rewrites.length > 0 && !steps.some(({ event, rewrites: others }) => event.direction === "up" && others.length > 0)
  );
}

/** Tunnels in which a leg was seen, where no point saw the packets before they entered. */
function tunnelsSeen({ connected, connection }: Ladder, known: ReadonlyMap<string, LadderHop>): LadderHop[] {
  const { set } = connected;
  const list: LadderHop[] = [];
  for (const leg of connection.legs) {
    const view = set.view(leg);
    for (const layer of set.trackOf(leg).tracker.contexts.list[view.context] ?? []) {
      if (layer.version === 0) continue;
      const kind = encapsulationName(layer.kind);
      if ([...known.values(), ...list].some((hop) => hop.kind === kind)) continue;
      const text = `${kind}${layer.id < 0 ? "" : ` ${layer.id}`} ${addressText(layer.low)} ↔ ${addressText(layer.high)}`;
      list.push({ nodes: [set.pointOf(leg).nodeName], kind, from: "", to: text });
    }
  }
  return list;
}
