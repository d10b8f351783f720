import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import { firstMacs } from "../path/first-macs.ts";
import { type Mac, sourceMac } from "../path/macs.ts";
import { macCandidates, onlyOne } from "../path/own-macs.ts";
import type { Case, VipGroup } from "./case.ts";

/** Where several routers give flows to several members on one segment: who gave each connection to whom. */
export interface MeshOfTiers {
  hops: ReadonlyMap<Connection, { router: Mac; member: Mac }>;
}

interface Hop {
  connection: Connection;
  router: Mac;
  member: Mac;
}

/** Routers that forward to routers that forward …: more than this is a loop. */
const MAX_LEVELS = 8;
/** Connections looked at first: most VIPs have one router, or one member. */
const SAMPLE = 1000;

/**
 * The tiers of routers that a VIP's flows were given on by, each with the members that its routers have as neighbours:
 * by the source and destination MAC of the flows' first frames, at the routers' own points or at the members'. A router
 * and a member that it gave nothing belong together where replies, ARP or a third shows them on one segment.
 */
export function meshesOf(subject: Case, group: VipGroup): MeshOfTiers[] {
  const { connections } = group;
  const stride = Math.ceil(connections.length / SAMPLE);
  const sample = stride > 1 ? connections.filter((_, i) => i % stride === 0) : connections;
  if (!haveSeveral(hopsOf(subject, sample))) return [];
  const hops = hopsOf(subject, connections);
  const members = new Set(hops.map(({ member }) => member));
  const segments = new Segments(levelsOf(hops), members);
  for (const { router, member } of hops) segments.join(router, member);
  joinByReplies(subject, group, segments);
  joinByBroadcasts(subject, segments);
  const meshes = new Map<string, Map<Connection, { router: Mac; member: Mac }>>();
  for (const { connection, router, member } of hops) {
    const segment = segments.of(router);
    const mesh = meshes.get(segment) ?? new Map<Connection, { router: Mac; member: Mac }>();
    if (!mesh.has(connection)) mesh.set(connection, { router, member });
    meshes.set(segment, mesh);
  }
  return [...meshes.values()].map((hopsOfMesh) => ({ hops: hopsOfMesh }));
}

function haveSeveral(hops: readonly Hop[]): boolean {
  const several = (macs: readonly Mac[]) => new Set(macs).size >= 2;
  return several(hops.map(({ router }) => router)) && several(hops.map(({ member }) => member));
}

/** Every MAC that gave a flow of the VIP on, with the one it gave it to; each pair of a connection once. */
function hopsOf(subject: Case, connections: readonly Connection[]): Hop[] {
  const { set, endpoints } = subject.connected;
  const hops: Hop[] = [];
  for (const connection of connections) {
    const own: Hop[] = [];
    for (const ref of connection.legs) {
      const view = set.view(ref);
      if (view.up.packets === 0 || view.isInTunnel || !view.has(L.LEG_SYN)) continue;
      if (endpoints.ofWords(view.dst, view.dstPort) !== connection.vip) continue;
      const { source: router, destination: member } = firstMacs(set, ref, 0);
      if (router === 0 || member === 0) continue;
      if (own.some((hop) => hop.router === router && hop.member === member)) continue;
      own.push({ connection, router, member });
    }
    hops.push(...own);
  }
  return hops;
}

/** How many further routers there are behind each one: a box with one MAC on all sides is router and member. */
function levelsOf(hops: readonly Hop[]): Map<Mac, number> {
  const next = new Map<Mac, Set<Mac>>();
  for (const { router, member } of hops) {
    const known = next.get(router) ?? new Set();
    next.set(router, known.add(member));
  }
  const levels = new Map([...next.keys()].map((mac) => [mac, 0]));
  for (let round = 0; round < MAX_LEVELS; round++) {
    let isChanged = false;
    for (const [mac, members] of next) {
      let level = 0;
      for (const member of members) level = Math.max(level, 1 + (levels.get(member) ?? -1));
      if (level > levels.get(mac)! && level <= MAX_LEVELS) {
        levels.set(mac, level);
        isChanged = true;
      }
    }
    if (!isChanged) break;
  }
  return levels;
}

/** Routers and members that are neighbours, directly or through others: a forest of sets. */
class Segments {
  readonly #levels: ReadonlyMap<Mac, number>;
  readonly #members: ReadonlySet<Mac>;
  readonly #parents = new Map<string, string>();

  constructor(levels: ReadonlyMap<Mac, number>, members: ReadonlySet<Mac>) {
    this.#levels = levels;
    this.#members = members;
  }

  isRouter(mac: Mac): boolean {
    return this.#levels.has(mac);
  }

  /** Puts the two together, unless they are no router and no member. */
  join(router: Mac, member: Mac): void {
    const level = this.#levels.get(router);
    if (level === undefined || !this.#members.has(member) || router === member) return;
    this.#parents.set(this.#root(`member ${level} ${member}`), this.of(router));
  }

  of(router: Mac): string {
    return this.#root(`router ${this.#levels.get(router)} ${router}`);
  }

  #root(key: string): string {
    let root = key;
    for (
      let parent = this.#parents.get(root);
      parent !== undefined && parent !== root;
      parent = this.#parents.get(root)
    )
      root = parent;
    return root;
  }
}

/** A member that replies to a router has it as a neighbour. */
function joinByReplies(subject: Case, group: VipGroup, segments: Segments): void {
  const { set } = subject.connected;
  const seen = new Set<string>();
  for (const { legs } of group.connections) {
    for (const ref of legs) {
      const { down, isInTunnel } = set.view(ref);
      if (down.packets === 0 || isInTunnel) continue;
      const { source, destination } = firstMacs(set, ref, 1);
      const key = `${source} ${destination}`;
      if (seen.has(key)) continue;
      seen.add(key);
      segments.join(destination, source);
    }
  }
}

/** Who hears another's ARP requests is on its segment, and so are two whom a third hears. */
function joinByBroadcasts(subject: Case, segments: Segments): void {
  const { set } = subject.connected;
  const own = macCandidates(set).map(onlyOne);
  const heard = set.points.map(() => new Set<Mac>());
  for (const { tracker, points } of set.tracks) {
    for (const { operation, point, senderMac, frameMac } of tracker.neighbourhood.messages) {
      if (operation !== 1) continue;
      const sender = senderMac[0] * 4294967296 + (senderMac[1] >>> 0);
      if (sender === sourceMac(frameMac)) heard[points[point]!]!.add(sender);
    }
  }
  heard.forEach((macs, point) => {
    const ownMac = own[point] ?? null;
    // a mirror port hears several segments
    if (ownMac === null) return;
    macs.add(ownMac);
    for (const router of macs) {
      if (!segments.isRouter(router)) continue;
      for (const member of macs) segments.join(router, member);
    }
  });
}
