import { MOVE } from "../flow/event-log.ts";
import type { Connection } from "../path/connection.ts";
import { macText } from "../path/endpoints.ts";
import {
  destinationMac,
  isInitialTtl,
  isVirtualRouterMac,
  type Mac,
  macHigh,
  macLow,
  sourceMac,
} from "../path/macs.ts";
import { clientSession } from "../path/outcome.ts";
import { tupleOf } from "../path/tuples.ts";
import type { Case, VipGroup } from "./case.ts";
import type { Evidence } from "./finding.ts";

/** A MAC that claimed a VIP, or to which clients' frames for it were sent. ns on the reference clock. */
export interface VipOwner {
  mac: Mac;
  macText: string;
  /** Times at which it said by ARP or neighbour discovery that the VIP is its own; NaN where it did not. */
  claimedFirst: number;
  claimedLast: number;
  /** Its first gratuitous announcement, where there is one. */
  announcedAt: number;
  announcement: Evidence | null;
  /** Clients' packets that were sent to it: legs, their times, and who answered. */
  legs: number;
  firstUsed: number;
  lastUsed: number;
  /** Last packet that came back on a leg sent to it. */
  lastAnswered: number;
  answersItself: number;
  answersOthers: number;
  /** Answers it sent that it did not make itself: their TTL says that they were forwarded. */
  forwards: number;
  /** Node that its frames reached and that rewrote them, "" where none was captured. */
  node: string;
}

/** Everyone who was taken for the owner of a VIP's address, in the order in which they appeared. */
export function vipOwners(subject: Case, group: VipGroup): VipOwner[] {
  const owners = new Map<Mac, VipOwner>();
  readClaims(subject, group.vip, owners);
  // Traffic alone is no claim: behind several equal next hops each has frames of its own.
  if (owners.size < 2) return [...owners.values()];
  for (const connection of group.connections) readTraffic(subject, connection, owners);
  const appeared = (owner: VipOwner) =>
    Math.min(...[owner.claimedFirst, owner.firstUsed].filter((t) => !Number.isNaN(t)));
  return [...owners.values()].sort((a, b) => appeared(a) - appeared(b));
}

function ownerOf(owners: Map<Mac, VipOwner>, mac: Mac): VipOwner {
  let owner = owners.get(mac);
  if (!owner) {
    owner = {
      mac,
      macText: macText(macHigh(mac), macLow(mac)),
      claimedFirst: Number.NaN,
      claimedLast: Number.NaN,
      announcedAt: Number.NaN,
      announcement: null,
      legs: 0,
      firstUsed: Number.NaN,
      lastUsed: Number.NaN,
      lastAnswered: Number.NaN,
      answersItself: 0,
      answersOthers: 0,
      forwards: 0,
      node: "",
    };
    owners.set(mac, owner);
  }
  return owner;
}

function readClaims(subject: Case, vip: number, owners: Map<Mac, VipOwner>): void {
  const { set, clocks, endpoints } = subject.connected;
  const address = endpoints.address(vip);
  for (const track of set.tracks) {
    for (const message of track.tracker.neighbourhood.messages) {
      if (!message.sender.every((word, i) => word === address[i])) continue;
      const mac = message.senderMac[0] * 4294967296 + (message.senderMac[1] >>> 0);
      if (mac === 0) continue;
      const owner = ownerOf(owners, mac);
      const shift = clocks[track.capture]!.at(message.firstTime);
      const first = message.firstTime - shift;
      const last = message.lastTime - shift;
      if (!(owner.claimedFirst <= first)) owner.claimedFirst = first;
      if (!(owner.claimedLast >= last)) owner.claimedLast = last;
      const isGratuitous = message.target.every((word, i) => word === address[i]);
      if (isGratuitous && !(owner.announcedAt <= first)) {
        owner.announcedAt = first;
        owner.announcement = {
          capture: track.capture,
          frame: message.firstFrame,
          note: `${owner.macText} announces the VIP by gratuitous ARP`,
        };
      }
    }
  }
}

function readTraffic(subject: Case, connection: Connection, owners: ReadonlyMap<Mac, VipOwner>): void {
  const { endpoints, set } = subject.connected;
  const called = tupleOf(subject.front(connection), endpoints).dst;
  const legs = clientSession(connection);
  legs.forEach((ref, i) => {
    const view = subject.leg(ref);
    if (view.up.packets === 0 || tupleOf(view, endpoints).dst !== called) return;
    const start = subject.reference(ref, view.up.firstTime);
    const end = subject.reference(ref, view.up.lastTime);
    const answered = view.down.packets > 0 ? subject.reference(ref, view.down.lastTime) : Number.NaN;
    const answerer = view.down.packets > 0 ? sourceMac(view.down.mac) : 0;
    const ttl = view.down.ttl.first;
    const next = legs[i + 1];
    const isHere =
      next !== undefined && connection.hops[i + 1] !== "forward" && subject.nodeOf(next) === subject.nodeOf(ref);
    let mac = destinationMac(view.up.mac);
    let until = Number.POSITIVE_INFINITY;
    if (view.up.macChanges > 0) {
      const track = set.trackOf(ref);
      for (const event of track.tracker.events.of(track.tracker.legs, view.leg)) {
        if (event.kind !== MOVE || event.side !== 0 || event.extra[3] === 1) continue;
        const later = owners.get(destinationMac(event.mac));
        if (later) use(later, subject.reference(ref, event.time), end, Number.NaN);
        until = subject.reference(ref, event.time);
        mac = destinationMac([event.extra[0]!, event.extra[1]!, event.extra[2]!]);
        break;
      }
    }
    const owner = owners.get(mac);
    if (!owner) return;
    use(owner, start, Math.min(end, until), answered <= until ? answered : Number.NaN);
    if (answerer !== 0 && until === Number.POSITIVE_INFINITY) {
      if (answerer === owner.mac) owner.answersItself++;
      else if (!isVirtualRouterMac(answerer)) owner.answersOthers++;
      if (answerer === owner.mac && !isInitialTtl(ttl)) owner.forwards++;
    }
    if (isHere && until === Number.POSITIVE_INFINITY) owner.node = subject.nodeOf(ref);
  });
}

function use(owner: VipOwner, from: number, to: number, answered: number): void {
  owner.legs++;
  if (!(owner.firstUsed <= from)) owner.firstUsed = from;
  if (!(owner.lastUsed >= to)) owner.lastUsed = to;
  if (answered >= owner.lastAnswered || Number.isNaN(owner.lastAnswered)) owner.lastAnswered = answered;
}

/** True where two owners treat the VIP's clients alike: both a balancer's work, not one of them a backend's. */
export function areAlike(a: VipOwner, b: VipOwner): boolean {
  const kind = ({ answersItself, answersOthers }: VipOwner) => {
    if (answersItself + answersOthers === 0) return null;
    return answersItself >= answersOthers;
  };
  if (a.node !== "" && b.node !== "") return true;
  const one = kind(a);
  if (one === null || one !== kind(b)) return false;
  // Answers by the owner itself, with a host's own TTL on one side only: a backend there.
  return !one || a.forwards > 0 === b.forwards > 0;
}
