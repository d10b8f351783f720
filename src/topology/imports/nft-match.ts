import { canonicalAddress } from "../address.ts";
import type { Protocol, Scheduler } from "../vocabulary.ts";
import { items, type Json, member } from "./nft-ruleset.ts";

/** What is known of the packets that come to a place of the ruleset. null is: nothing said. */
export interface Matched {
  addresses: readonly string[] | null;
  ports: readonly number[] | null;
  protocol: Protocol | null;
  /** Of the packet before it was translated (`ct original`). */
  originalAddresses: readonly string[] | null;
  /** A condition on the client's own address. */
  hasSource: boolean;
  /** `ct status dnat`: only what this ruleset has translated. */
  isTranslated: boolean;
  /** What chose this branch of several, and how many of the choices lead here. */
  scheduler: Scheduler | null;
  weight: number;
  /** Never true of any packet. */
  isEmpty: boolean;
}

export const ANY_PACKET: Matched = {
  addresses: null,
  ports: null,
  protocol: null,
  originalAddresses: null,
  hasSource: false,
  isTranslated: false,
  scheduler: null,
  weight: 1,
  isEmpty: false,
};

/** Ports that one range may stand for; a wider one is any. */
const MAX_PORTS = 1024;

/**
 * The packets of `matched` for which the expression has the value; a value may be a set's element, a range, or a
 * concatenation of values for a concatenation of expressions. A condition that is not known is taken to hold.
 */
export function narrow(matched: Matched, left: Json | undefined, value: Json): Matched {
  const parts = member(left, "concat");
  if (parts !== undefined) {
    const values = items(member(value, "concat"));
    return items(parts).reduce<Matched>((so, part, i) => {
      const own = values[i];
      return own === undefined ? so : narrowOne(so, part, [own]);
    }, matched);
  }
  return narrowOne(matched, left, [value]);
}

/** As `narrow`, for any of several values. */
export function narrowAny(matched: Matched, left: Json | undefined, values: readonly Json[]): Matched[] {
  if (member(left, "concat") !== undefined) return values.map((value) => narrow(matched, left, value));
  return [narrowOne(matched, left, values)];
}

function narrowOne(matched: Matched, left: Json | undefined, values: readonly Json[]): Matched {
  const payload = member(left, "payload");
  const protocol = member(payload, "protocol");
  const field = member(payload, "field");
  const isIp = protocol === "ip" || protocol === "ip6";
  if (isIp && field === "daddr") return withAddresses(matched, values);
  if (isIp && field === "saddr") return { ...matched, hasSource: true };
  if (field === "dport") {
    const own = protocol === "tcp" || protocol === "udp" ? withProtocol(matched, [protocol]) : matched;
    return withPorts(own, values);
  }
  if ((protocol === "ip" && field === "protocol") || (protocol === "ip6" && field === "nexthdr")) {
    return withProtocol(matched, values);
  }
  if (member(member(left, "meta"), "key") === "l4proto") return withProtocol(matched, values);
  const ct = member(left, "ct");
  const key = member(ct, "key");
  if (key === "status") return { ...matched, isTranslated: matched.isTranslated || values.includes("dnat") };
  if (member(ct, "dir") === "original" && typeof key === "string" && /^((ip6? )?daddr)$/.test(key)) {
    const addresses = addressesOf(values);
    return addresses === null ? matched : { ...matched, originalAddresses: addresses };
  }
  return matched;
}

function withAddresses(matched: Matched, values: readonly Json[]): Matched {
  const addresses = addressesOf(values);
  if (addresses === null) return matched;
  const both = matched.addresses?.filter((address) => addresses.includes(address)) ?? addresses;
  return { ...matched, addresses: both, isEmpty: matched.isEmpty || both.length === 0 };
}

/** null where a value is a network or a range, which name no single VIP. */
function addressesOf(values: readonly Json[]): string[] | null {
  const addresses = values.map((value) => (typeof value === "string" ? canonicalAddress(value) : null));
  return addresses.every((address) => address !== null) ? addresses : null;
}

function withPorts(matched: Matched, values: readonly Json[]): Matched {
  const ports: number[] = [];
  for (const value of values) {
    const [from = value, to = from] = items(member(value, "range"));
    const first = portNumber(from);
    const last = portNumber(to);
    if (first === null || last === null || last - first >= MAX_PORTS) return matched;
    for (let port = first; port <= last; port++) ports.push(port);
  }
  const both = matched.ports?.filter((port) => ports.includes(port)) ?? ports;
  return { ...matched, ports: both, isEmpty: matched.isEmpty || both.length === 0 };
}

export function portNumber(value: Json | undefined): number | null {
  const number = typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= 0xffff ? number : null;
}

function withProtocol(matched: Matched, values: readonly Json[]): Matched {
  const named = values.map((value) => (value === 6 ? "tcp" : value === 17 ? "udp" : value));
  const [only] = named;
  if (named.length === 1 && (only === "tcp" || only === "udp")) {
    return { ...matched, protocol: only, isEmpty: matched.isEmpty || (matched.protocol ?? only) !== only };
  }
  const mayBe = named.includes("tcp") || named.includes("udp") || named.includes("th");
  return { ...matched, isEmpty: matched.isEmpty || !mayBe };
}

/** What a number that picks from a map is made of; undefined where the key is no such number. */
export function pickOf(key: Json | undefined): { scheduler: Scheduler | null } | undefined {
  const numgen = member(key, "numgen");
  if (numgen !== undefined) return { scheduler: member(numgen, "mode") === "inc" ? "rr" : "random" };
  if (member(key, "symhash") !== undefined) return { scheduler: "5-tuple" };
  const jhash = member(key, "jhash");
  if (jhash === undefined) return undefined;
  const hashed = member(jhash, "expr");
  const parts = member(hashed, "concat");
  const fields = (parts === undefined ? [hashed] : items(parts)).map((part) =>
    member(member(part, "payload"), "field"),
  );
  if (!fields.includes("saddr")) return { scheduler: null };
  return {
    scheduler: fields.includes("sport")
      ? "5-tuple"
      : fields.length === 1 || !fields.includes(undefined)
        ? "source"
        : null,
  };
}

/** How many numbers an element's key stands for. */
export function weightOf(key: Json): number {
  const [from, to] = items(member(key, "range"));
  return typeof from === "number" && typeof to === "number" && to >= from ? to - from + 1 : 1;
}
