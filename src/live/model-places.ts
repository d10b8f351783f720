import type { Connection } from "../path/connection.ts";
import type { LegSet } from "../path/leg-set.ts";
import type { LiveMember, LivePath } from "./live-model.ts";
import { type Look, remembered } from "./look.ts";
import { tierName, tiersOf } from "./tiers.ts";
import type { VipBook } from "./vip-book.ts";

/** Connections of a VIP whose way is read: the newest, that a change of ways is seen. */
const PATH_SAMPLES = 500;
const MOST_PATHS = 50;
const MOST_MEMBERS = 100;
/** Findings that say that a way is wrong. */
const WAY_FINDINGS = /^(path\.|ecmp\.|lb\.(rehash|lost-state|split-brain|failover))/;

/** What shares a VIP's connections before the backends do, of those in memory. */
export function membersOf({ diagnosis: { subject }, knowns }: Look, vips: VipBook): LiveMember[] {
  const list: LiveMember[] = [];
  for (const group of subject.vips) {
    const vip = subject.text(group.vip);
    if (!vips.entries.has(vip) || list.length >= MOST_MEMBERS) continue;
    for (const membership of tiersOf(subject, group)) {
      const { memberOf, names, moves } = membership;
      const counts = new Map<string, { connections: number; arrived: number; left: number }>();
      const of = (member: string) => {
        const name = names.get(member) ?? member;
        let entry = counts.get(name);
        if (!entry) {
          entry = { connections: 0, arrived: 0, left: 0 };
          counts.set(name, entry);
        }
        return entry;
      };
      let total = 0;
      for (const [connection, member] of memberOf) {
        if (knowns[connection.id]!.isGone) continue;
        of(member).connections++;
        total++;
      }
      for (const { from, to } of moves) {
        of(from).left++;
        of(to).arrived++;
      }
      for (const [member, { connections, arrived, left }] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
        list.push({
          vip,
          tier: tierName(membership),
          member,
          connections,
          share: total === 0 ? 0 : connections / total,
          expectedShare: 1 / counts.size,
          arrived,
          left,
        });
      }
    }
  }
  return list.slice(0, MOST_MEMBERS);
}

/** The ways that connections took, of the newest of each VIP in memory. */
export function pathsOf(look: Look, vips: VipBook): LivePath[] {
  const { connected, diagnosis } = look;
  const { subject, findings } = diagnosis;
  const marks = new Map<number, Set<string>>();
  for (const { id, connections } of findings) {
    if (!WAY_FINDINGS.test(id)) continue;
    for (const connection of connections) marks.set(connection, (marks.get(connection) ?? new Set()).add(id));
  }
  const newest = new Map<number, Connection[]>();
  for (const [connection] of remembered(look)) {
    if (connection.role !== "client" || connection.healthCheck || !vips.isVip(subject, connection)) continue;
    const list = newest.get(connection.vip);
    if (list) list.push(connection);
    else newest.set(connection.vip, [connection]);
  }
  const paths: LivePath[] = [];
  for (const [vip, connections] of newest) {
    const ways = new Map<string, { up: string[]; down: string[]; connections: number; marks: Set<string> }>();
    const sampled = connections.slice(-PATH_SAMPLES);
    for (const connection of sampled) {
      const up = nodesOf(connected.set, connection, 0);
      const down = nodesOf(connected.set, connection, 1);
      const key = `${up.join(" ")}|${down.join(" ")}`;
      let way = ways.get(key);
      if (!way) {
        way = { up, down, connections: 0, marks: new Set() };
        ways.set(key, way);
      }
      way.connections++;
      for (const id of marks.get(connection.id) ?? []) way.marks.add(id);
    }
    for (const way of ways.values()) {
      const share = way.connections / sampled.length;
      paths.push({
        vip: subject.text(vip),
        up: way.up,
        down: way.down,
        connections: Math.round(share * connections.length),
        share,
        expected: way.marks.size === 0,
        marks: [...way.marks],
      });
    }
  }
  return paths.sort((a, b) => b.connections - a.connections).slice(0, MOST_PATHS);
}

/** Nodes that saw one direction, in the order of travel. */
export function nodesOf(set: LegSet, { legs }: Connection, side: 0 | 1): string[] {
  const seen = legs.filter((ref) => set.view(ref).side(side).packets > 0);
  const names = (side === 0 ? seen : seen.reverse()).map((ref) => set.pointOf(ref).nodeName);
  return names.filter((name, index) => name !== names[index - 1]);
}
