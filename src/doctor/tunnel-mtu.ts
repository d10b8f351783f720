import type { Link } from "../host/links.ts";
import { type Route, routeTo } from "../host/routes.ts";
import { addressText, isIpv4 } from "../topology/address.ts";
import { type Check, fine, SILENT, told } from "./check.ts";
import type { HostFacts } from "./host-facts.ts";
import { isAny } from "./roles.ts";
import { decapsulators, virtualAddresses } from "./virtual-addresses.ts";

/** What a tunnel puts before a packet at the least, without the outer IP header: options and keys come on top. */
const HEADER_BYTES: Readonly<Record<string, number>> = {
  ipip: 0,
  sit: 0,
  ip6tnl: 0,
  gre: 4,
  ip6gre: 4,
  gretap: 18,
  ip6gretap: 18,
  vxlan: 30,
  geneve: 30,
};
const ETHERNET_MTU = 1500;
/** IPv4 and TCP headers without options. */
const IP_AND_TCP_BYTES = 40;

export const TUNNEL_MTU: readonly Check[] = [
  {
    id: "mtu.tunnel",
    look(facts) {
      return facts.links.flatMap((link) => {
        const overhead = overheadOf(link);
        const underlay = overhead === null ? null : underlayOf(facts, link);
        // one that only takes packets out sends none that could be too long
        if (!link.isUp || overhead === null || underlay === null || link.remote === null) return SILENT;
        const outer = link.mtu + overhead;
        const seen = { [`mtu of ${link.name}`]: link.mtu, overhead, [`mtu of ${underlay.name}`]: underlay.mtu };
        if (outer <= underlay.mtu)
          return fine(`${link.name}'s packets fit ${underlay.name} with ${overhead} bytes of tunnel`, seen);
        return told("warning", {
          title: `${link.name} sends packets of up to ${outer} bytes through ${underlay.name}, which takes ${underlay.mtu}`,
          seen,
          why: "Full-sized segments are fragmented, or vanish where fragments may not be made: handshakes and small requests work, and transfers stall.",
          remedy: [`ip link set ${link.name} mtu ${underlay.mtu - overhead}`],
        });
      });
    },
  },
  {
    id: "mtu.real-server-mss",
    look(facts, roles) {
      if (!isAny(roles, "real-server") || !virtualAddresses(facts).some(({ address }) => isIpv4(address)))
        return SILENT;
      const tunnels = decapsulators(facts).flatMap((link) => {
        const overhead = overheadOf(link);
        return overhead === null ? [] : [{ link, overhead }];
      });
      const [first] = tunnels.sort((a, b) => b.overhead - a.overhead);
      const way = (facts.routes ?? []).find(
        ({ destination, table, family }) => destination === "default" && table === "main" && family === 4,
      );
      const wire = facts.links.find(({ name }) => name === way?.device);
      if (first === undefined || way === undefined || wire === undefined) return SILENT;
      return offeredMss(facts, first.overhead, way, wire);
    },
  },
  {
    id: "mtu.balancer-tunnel",
    look(facts) {
      const servers = (facts.ipvs?.services ?? []).flatMap(({ destinations }) =>
        destinations.filter(({ forwarding, address }) => forwarding === "Tunnel" && isIpv4(address.address)),
      );
      const narrow = servers.flatMap(({ address }) => {
        const route = routeTo(facts.routes ?? [], address.address);
        const wire = facts.links.find(({ name }) => name === route?.device);
        const mtu = route?.mtu ?? wire?.mtu ?? 0;
        return wire !== undefined && mtu < ETHERNET_MTU + 20
          ? [{ server: addressText(address.address), wire, mtu }]
          : [];
      });
      const [first] = narrow;
      if (servers.length === 0 || (facts.routes ?? []).length === 0) return SILENT;
      if (first === undefined)
        return fine("packets of 1500 bytes fit the way to real servers with the tunnel's header");
      return told("info", {
        title: `clients' full packets do not fit the tunnel to ${first.server}: ${first.mtu - 20} bytes of ${ETHERNET_MTU}`,
        seen: { [`mtu of ${first.wire.name}`]: first.mtu, "real servers": narrow.length },
        why: "The balancer answers such packets with ICMP, which many networks lose: uploads stall then. It does not happen where real servers offer clients a smaller MSS.",
        remedy: [
          `on the real servers: ip route change default via GATEWAY advmss ${first.mtu - 20 - IP_AND_TCP_BYTES}`,
          `or a larger MTU between balancer and servers: ip link set ${first.wire.name} mtu 1600`,
        ],
      });
    },
  },
  {
    id: "mtu.clamp",
    look(facts, roles) {
      if (!isAny(roles, "lb", "router") || facts.sysctl("net.ipv4.ip_forward") !== 1) return SILENT;
      const narrow = facts.links.filter(
        (link) =>
          link.isUp &&
          overheadOf(link) !== null &&
          (facts.routes ?? []).some(
            ({ device, isConnected, type }) => device === link.name && type === "unicast" && !isConnected,
          ),
      );
      const [first] = narrow;
      const widest = Math.max(0, ...facts.wires.filter((link) => !narrow.includes(link)).map(({ mtu }) => mtu));
      if (first === undefined || first.mtu >= widest) return SILENT;
      const clamps = facts.rules?.mssClamps ?? null;
      const seen = { [`mtu of ${first.name}`]: first.mtu, "widest mtu": widest, "MSS rules": clamps };
      if (clamps !== null && clamps > 0) return fine(`the MSS is lowered for ${first.name}`, seen);
      return told(clamps === null ? "unknown" : "info", {
        title:
          clamps === null
            ? `packet rules cannot be read: is the MSS lowered for ${first.name}?`
            : `no rule lowers the MSS of connections through ${first.name}`,
        seen,
        why: "Both ends offer what fits their own wires. Where ICMP (fragmentation needed) is lost on the way back, full segments vanish in the tunnel.",
        remedy: [
          `nft add rule inet filter forward oifname ${first.name} tcp flags syn tcp option maxseg size set rt mtu`,
        ],
      });
    },
  },
];

/** What a SYN,ACK of this host offers, against what is left of the wire when clients' packets come tunnelled. */
function offeredMss(facts: HostFacts, overhead: number, way: Route, wire: Link) {
  const offered = way.advertisedMss ?? (way.mtu ?? wire.mtu) - IP_AND_TCP_BYTES;
  const room = wire.mtu - overhead - IP_AND_TCP_BYTES;
  const seen = { [`mtu of ${wire.name}`]: wire.mtu, overhead, "MSS offered": offered, "MSS that fits": room };
  // clients on Ethernet send no more than 1500 bytes, whatever they are offered
  const isWide = wire.mtu >= ETHERNET_MTU + overhead;
  if (offered <= room || isWide)
    return fine(`what clients send fits the tunnel (MSS ${Math.min(offered, ETHERNET_MTU - IP_AND_TCP_BYTES)})`, seen);
  const clamps = facts.rules?.mssClamps ?? null;
  if (clamps !== null && clamps > 0) return fine("packet rules lower the MSS that is offered", seen);
  return told(clamps === null ? "unknown" : "warning", {
    title: `clients are offered an MSS of ${offered}: with the tunnel's header only ${room} fits`,
    seen,
    why: "The balancer puts a header before each packet. A client's full segment no longer fits the wire: it is fragmented, or uploads stall while small requests work.",
    remedy: [`ip route change default via GATEWAY dev ${wire.name} advmss ${room}`],
  });
}

/** Bytes that a tunnel's packets grow by, its outer IP header included; null for what is no tunnel. */
export function overheadOf({ kind, remote, local }: Link): number | null {
  const header = kind === null || !Object.hasOwn(HEADER_BYTES, kind) ? undefined : HEADER_BYTES[kind];
  if (header === undefined) return null;
  const end = remote ?? local;
  const isOver6 = kind?.startsWith("ip6") === true || (end !== null && !isIpv4(end));
  return header + (isOver6 ? 40 : 20);
}

function underlayOf(facts: HostFacts, { underlay, remote }: Link): Link | null {
  const route = remote === null ? null : routeTo(facts.routes ?? [], remote);
  const name = underlay ?? route?.device ?? null;
  return facts.links.find((link) => link.name === name) ?? null;
}
