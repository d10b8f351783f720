import { formatNumberOf } from "../report/format-quantity.ts";
import { addressText } from "../topology/address.ts";
import type { HostFacts } from "./host-facts.ts";
import { decapsulators, virtualAddresses } from "./virtual-addresses.ts";

/** What a host is for, as far as checks differ. */
export const ROLES = ["lb", "real-server", "proxy", "router", "server"] as const;
export type Role = (typeof ROLES)[number];

export const ROLE_NAMES: Readonly<Record<Role, string>> = {
  lb: "load balancer",
  "real-server": "real server of direct return",
  proxy: "proxy",
  router: "router",
  server: "server",
};

export interface Roles {
  /** Why each role is taken; of a role that the user gave, that. */
  because: ReadonlyMap<Role, string>;
  isGiven: boolean;
}

/** Whether a host is one of these. */
export function isAny(roles: Roles, ...asked: readonly Role[]): boolean {
  return asked.some((role) => roles.because.has(role));
}

const PROXIES = ["haproxy", "nginx", "envoy", "traefik", "gobetween", "pen"] as const;

/** What a host is for, from what is there; more than one where that is so, none where nothing tells. */
export function inferRoles(facts: HostFacts, given: readonly Role[] | null): Roles {
  if (given !== null) return { because: new Map(given.map((role) => [role, "--role"])), isGiven: true };
  const because = new Map<Role, string>();
  const note = (role: Role, why: string | null) => {
    if (why !== null) because.set(role, why);
  };
  note("lb", balancing(facts));
  note("real-server", directReturn(facts));
  const proxies = PROXIES.filter((name) => facts.processes.has(name));
  note("proxy", proxies.length > 0 ? `${proxies.join(" and ")} ${proxies.length > 1 ? "run" : "runs"} here` : null);
  const wires = facts.wires.filter(({ addresses }) => addresses.some(({ scope }) => scope === "global"));
  if (!because.has("lb") && facts.sysctl("net.ipv4.ip_forward") === 1 && wires.length > 1) {
    because.set("router", `ip_forward is 1 and ${wires.length} interfaces have addresses`);
  }
  const listeners = facts.listeners.filter(({ local }) => !/^(127\.|::1$)/.test(addressText(local.address)));
  // an SSH daemon makes no server of a balancer
  if (because.size > 0) return { because, isGiven: false };
  note("server", listeners.length > 0 ? `${formatNumberOf(listeners.length, "TCP listener")}` : null);
  return { because, isGiven: false };
}

function balancing(facts: HostFacts): string | null {
  const services = facts.ipvs?.services.length ?? 0;
  if (services > 0) return `IPVS has ${formatNumberOf(services, "service")}`;
  const translations = facts.rules?.destinationNats ?? 0;
  if (translations === 0) return null;
  return `${formatNumberOf(translations, "packet rule translates", "packet rules translate")} destinations`;
}

/** A VIP without a wire is not enough: a proxy whose address a routing daemon announces has one, too. */
function directReturn(facts: HostFacts): string | null {
  const vips = virtualAddresses(facts);
  const [vip] = vips;
  if (vip === undefined) return null;
  const near = vips.find(({ onLink }) => onLink !== null);
  if (near?.onLink != null) return `${near.text} is on ${near.holder.name} and in the network of ${near.onLink.name}`;
  const [tunnel] = decapsulators(facts);
  if (tunnel !== undefined)
    return `${vip.text} is on ${vip.holder.name} and ${tunnel.name} takes packets out of a tunnel`;
  const quiet = facts.wires.find(({ name, hasArp }) => hasArp && (facts.effective(name, "arp_ignore") ?? 0) > 0);
  if (quiet !== undefined) return `${vip.text} is on ${vip.holder.name} and arp_ignore is set`;
  return null;
}
