import type { ConnectionDocument, Mode } from "../report/analysis-contract.ts";
import { communityId } from "../report/community-id.ts";
import { parseEndpoint } from "../topology/address.ts";

/**
 * The way of a connection without its own addresses: thousands of connections share one. An end of a leg is `c`, `v` or
 * `b` where it is the connection's client, VIP or backend, else its place in the connection's own list of addresses.
 */
export interface Journey {
  up: readonly string[];
  down: readonly string[];
  legs: readonly { point: string; src: LegEnd; dst: LegEnd; encapsulation: readonly string[]; hop: Mode | null }[];
}

type LegEnd = "c" | "v" | "b" | number;

/** What a connection's way is made of. */
export interface JourneyParts {
  journey: Journey;
  /** Addresses that only this connection has, such as those a balancer called its backend from. */
  addresses: readonly string[];
}

export function journeyOf({ client, vip, backend, path, legs }: ConnectionDocument): JourneyParts {
  const addresses: string[] = [];
  const endOf = (text: string): LegEnd => {
    if (text === client) return "c";
    if (text === vip) return "v";
    if (text === backend) return "b";
    const known = addresses.indexOf(text);
    return known >= 0 ? known : addresses.push(text) - 1;
  };
  const journey: Journey = {
    up: path.up,
    down: path.down,
    legs: legs.map(({ observationPoint, src, dst, encapsulation, hop }) => ({
      point: observationPoint,
      src: endOf(src),
      dst: endOf(dst),
      encapsulation,
      hop,
    })),
  };
  return { journey, addresses };
}

/** The parts of a document that a journey stands for. */
export function withJourney(
  ends: { client: string; vip: string; backend: string | null; protocol: "tcp" | "udp" },
  { journey, addresses }: JourneyParts,
  communityIds: boolean,
): Pick<ConnectionDocument, "path" | "legs" | "communityId"> {
  const text = (end: LegEnd): string => {
    if (end === "c") return ends.client;
    if (end === "v") return ends.vip;
    if (end === "b") return ends.backend ?? "?";
    return addresses[end] ?? "?";
  };
  const legs = journey.legs.map(({ point, src, dst, encapsulation, hop }) => ({
    observationPoint: point,
    src: text(src),
    dst: text(dst),
    encapsulation,
    hop,
  }));
  const path = { up: journey.up, down: journey.down };
  if (!communityIds) return { path, legs, communityId: [] };
  const protocol = ends.protocol === "udp" ? UDP : TCP;
  const ids = legs.map((leg) => communityIdOf(leg.src, leg.dst, protocol)).filter((id) => id !== null);
  return { path, legs, communityId: [...new Set(ids)] };
}

const TCP = 6;
const UDP = 17;

function communityIdOf(from: string, to: string, protocol: number): string | null {
  const src = parseEndpoint(from);
  const dst = parseEndpoint(to);
  if (src === null || dst === null) return null;
  return communityId({ src: src.address, srcPort: src.port, dst: dst.address, dstPort: dst.port, protocol });
}

/**
 * The address and port from which a balancer called the backend in its own name (full NAT, proxy); null where the
 * backend sees the client's address.
 */
export function balancerSource({ client, backend, legs }: ConnectionDocument): string | null {
  if (backend === null) return null;
  const clientAddress = splitEndpoint(client).address;
  const own = legs.find(({ src, dst }) => dst === backend && splitEndpoint(src).address !== clientAddress);
  return own?.src ?? null;
}

/** Address without brackets and port of `ip:port`, `[ip6]:port`; of anything else the text, without a port. */
export function splitEndpoint(text: string): { address: string; port: number | null } {
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  return port === undefined ? { address: text, port: null } : { address: v6 ?? v4 ?? text, port: Number(port) };
}

/** The other way round. */
export function joinEndpoint(address: string, port: number | null): string {
  if (port === null) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
