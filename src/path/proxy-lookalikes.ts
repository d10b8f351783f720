import type { ProxySession } from "./proxy-session.ts";

/** A session among those of the same first payload. */
export interface Lookalike {
  position: number;
  session: ProxySession;
  mayBeFront: boolean;
  mayBeBack: boolean;
  /** Clients of its VIP send the same bytes again and again. */
  isRepeating: boolean;
  /** Enough of them were seen to know that they do not. */
  isTelling: boolean;
}

export interface FoundPair {
  front: number;
  back: number;
  confidence: number;
}

interface Candidate {
  front: Lookalike;
  back: Lookalike;
  score: number;
}

/** Sessions looked at after each one in order of time; of few all are. */
const NEIGHBOURS = 48;
const COMPARE_ALL = 64;
/** Lookalikes before and after a pair that must have partners, too, where only times tell them apart. */
const WITNESSES = 8;

/**
 * Finds among sessions of the same first payload which was relayed to which.
 *
 * Where only one pair can be, the bytes tell. Where many sent the same, the times must leave each a single partner, and
 * the lookalikes around must have partners, too: else part of the traffic was not captured, and the partner that fits
 * may be another's.
 */
export function matchLookalikes(lookalikes: readonly Lookalike[]): FoundPair[] {
  const sorted = lookalikes.toSorted((a, b) => a.session.start - b.session.start);
  const byFront = new Map<Lookalike, Candidate[]>();
  const byBack = new Map<Lookalike, Candidate[]>();
  const candidates = withoutDetours(candidatesOf(sorted));
  for (const candidate of candidates) {
    push(byFront, candidate.front, candidate);
    push(byBack, candidate.back, candidate);
  }
  const hasPartner = (one: Lookalike) => byFront.has(one) || byBack.has(one);
  const found: FoundPair[] = [];
  const takenFronts = new Set<Lookalike>();
  const takenBacks = new Set<Lookalike>();
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
    const { front, back, score } = candidate;
    if (takenFronts.has(front) || takenBacks.has(back)) continue;
    const isRival = (other: Candidate) =>
      other !== candidate && other.score >= score && !takenFronts.has(other.front) && !takenBacks.has(other.back);
    if (byFront.get(front)!.some(isRival) || byBack.get(back)!.some(isRival)) continue;
    const around = sorted.length > 2 ? alike(sorted, front, back) : [];
    const isTold = around.length === 0 && !front.isRepeating && !back.isRepeating;
    // Times that cannot be compared leave the bytes alone: then these must be known to differ between connections.
    if (!front.session.isComparable(back.session) && !(isTold && front.isTelling && back.isTelling)) continue;
    if (!isTold && !around.every(hasPartner)) continue;
    takenFronts.add(front);
    takenBacks.add(back);
    found.push({ front: front.position, back: back.position, confidence: !isTold ? 0.85 : score >= 4 ? 0.97 : 0.92 });
  }
  return found;
}

function candidatesOf(sorted: readonly Lookalike[]): Candidate[] {
  const candidates: Candidate[] = [];
  const comparesAll = sorted.length <= COMPARE_ALL;
  sorted.forEach((front, i) => {
    if (!front.mayBeFront) return;
    // A session begins before what it is relayed to, unless clocks differ.
    const begin = comparesAll ? 0 : i + 1;
    const end = comparesAll ? sorted.length : Math.min(sorted.length, i + 1 + NEIGHBOURS);
    for (let j = begin; j < end; j++) {
      const back = sorted[j]!;
      if (back === front || !back.mayBeBack || !front.session.mayReach(back.session)) continue;
      const score = front.session.contentScore(back.session);
      if (score > 0 && front.session.timesAllow(back.session)) candidates.push({ front, back, score });
    }
  });
  return candidates;
}

/** Of a client, a proxy and a proxy behind it, each relays to the next: what skips one is no pair. */
function withoutDetours(candidates: readonly Candidate[]): Candidate[] {
  const links = candidates.filter(({ front, back }) => front.session.vipAddress === back.session.clientAddress);
  if (links.length === 0) return [...candidates];
  const reaches = new Map<Lookalike, Set<Lookalike>>();
  for (const { front, back } of candidates) {
    const known = reaches.get(front);
    if (known) known.add(back);
    else reaches.set(front, new Set([back]));
  }
  return candidates.filter(
    (candidate) =>
      !links.some(
        (link) =>
          link.back === candidate.back &&
          link.front !== candidate.front &&
          reaches.get(candidate.front)?.has(link.front),
      ),
  );
}

/** The sessions nearest in time that could as well be either side of the pair, by what they carry. */
function alike(sorted: readonly Lookalike[], front: Lookalike, back: Lookalike): Lookalike[] {
  const isAlike = (other: Lookalike) => {
    if (other === front || other === back) return false;
    if (other.session.connection.vip === front.session.connection.vip) {
      return other.session.contentScore(back.session) > 0;
    }
    return other.session.clientAddress === back.session.clientAddress && front.session.contentScore(other.session) > 0;
  };
  const around: Lookalike[] = [];
  const middle = sorted.indexOf(front);
  for (const step of [-1, 1]) {
    let found = 0;
    for (let i = middle + step; i >= 0 && i < sorted.length && found < WITNESSES; i += step) {
      if (Math.abs(i - middle) > 4 * NEIGHBOURS) break;
      if (!isAlike(sorted[i]!)) continue;
      around.push(sorted[i]!);
      found++;
    }
  }
  return around;
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
