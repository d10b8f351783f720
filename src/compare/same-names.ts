import type { ConnectionSample, Side } from "./side.ts";

/** Two sides that call the same point and the same member alike. */
export interface Aligned {
  before: Side;
  after: Side;
  /** The same points took part on both. */
  isSameView: boolean;
  /** What was taken for the same, and which points only one side has; a sentence each. */
  notes: readonly string[];
}

/**
 * Gives both sides one set of names: a member known by its MAC on one side and by its node on the other is one, and
 * where each side has a single point that the other has not (`before.pcap`, `after.pcap`), these are one place.
 */
export function align(before: Side, after: Side): Aligned {
  const onlyBefore = before.points.filter((point) => !after.points.includes(point));
  const onlyAfter = after.points.filter((point) => !before.points.includes(point));
  const notes: string[] = [];
  const points = new Map<string, string>();
  const [one, other] = [onlyBefore[0], onlyAfter[0]];
  const isPair = onlyBefore.length === 1 && onlyAfter.length === 1;
  if (isPair && one !== undefined && other !== undefined && mayBeOnePlace(one, other)) {
    points.set(other, one);
    notes.push(`${one} and ${other} are taken for one place`);
  } else {
    if (onlyBefore.length > 0) notes.push(`only before was captured at ${onlyBefore.join(", ")}`);
    if (onlyAfter.length > 0) notes.push(`only after was captured at ${onlyAfter.join(", ")}`);
  }
  const nodes = new Map([...before.nodesByMac, ...after.nodesByMac]);
  return {
    before: renamed(before, new Map(), nodes),
    after: renamed(after, points, nodes),
    isSameView: notes.length === 0 || points.size > 0,
    notes,
  };
}

/** Two interfaces that are called otherwise are two places; what is only a file's name says nothing. */
function mayBeOnePlace(one: string, other: string): boolean {
  const [nodeOne, interfaceOne] = one.split(":");
  const [nodeOther, interfaceOther] = other.split(":");
  if (nodeOne === nodeOther) return false;
  return interfaceOne === interfaceOther || interfaceOne === undefined || interfaceOther === undefined;
}

function renamed(side: Side, points: ReadonlyMap<string, string>, nodes: ReadonlyMap<string, string>): Side {
  const point = (name: string) => points.get(name) ?? name;
  const node = (name: string) => nodes.get(name) ?? name;
  const isNamed = side.connections.some(({ members }) => members.some(({ member }) => nodes.has(member)));
  if (points.size === 0 && !isNamed) return side;
  const timing = (one: ConnectionSample["handshake"]) => (one === null ? null : { ...one, point: point(one.point) });
  return {
    ...side,
    points: side.points.map(point),
    connections: side.connections.map((one) => ({
      ...one,
      seenAt: point(one.seenAt),
      members: one.members.map(({ tier, member }) => ({ tier: point(tier), member: node(member) })),
      handshake: timing(one.handshake),
      connect: timing(one.connect),
      firstByte: timing(one.firstByte),
    })),
    findings: side.findings.map((finding) => {
      const { member } = finding.where;
      return member === undefined ? finding : { ...finding, where: { ...finding.where, member: node(member) } };
    }),
  };
}
