import { z } from "zod";
import { type AddressWords, parseAddress } from "../topology/address.ts";
import { isInNetwork } from "./addresses-in-hex.ts";
import type { Host } from "./host.ts";
import { fromJson } from "./links.ts";
import { runTool } from "./run-tool.ts";

export interface Route {
  /** `default`, `10.2.0.0/24`, `192.0.2.10`: as ip(8) prints it. */
  destination: string;
  family: 4 | 6;
  network: AddressWords;
  prefixLength: number;
  /** `main`, `local`, a number. */
  table: string;
  /** `unicast`, `local`, `broadcast`, `blackhole`, … */
  type: string;
  device: string | null;
  /** Of a connected network: the kernel made it from an address. */
  isConnected: boolean;
  nextHops: number;
  /** Id of the nexthop object it goes by, if one. */
  nextHopId: number | null;
  /** The largest segment that a SYN by this route offers, where the route says. */
  advertisedMss: number | null;
  mtu: number | null;
}

/** ip(8) prints metrics as an array of one object. */
const metricsSchema = z
  .array(z.object({ advmss: z.number().nullish(), mtu: z.number().nullish() }))
  .nullish()
  .catch(null);
const routeSchema = z.object({
  type: z.string().default("unicast"),
  dst: z.string(),
  dev: z.string().nullish(),
  table: z.string().default("main"),
  protocol: z.string().nullish(),
  scope: z.string().nullish(),
  gateway: z.string().nullish(),
  nexthops: z.array(z.object({ dev: z.string().nullish() })).nullish(),
  nhid: z.number().nullish(),
  metrics: metricsSchema,
  advmss: z.number().nullish(),
  mtu: z.number().nullish(),
});

/** Routes of all tables and both families, by `ip -json`; null where nobody tells. /proc/net/route hides multipath. */
export function readRoutes(host: Host): Route[] | null {
  const four = host.fact("routes4.json", () =>
    runTool(["ip", "-json", "-4", "-details", "route", "show", "table", "all"]),
  );
  const six = host.fact("routes6.json", () =>
    runTool(["ip", "-json", "-6", "-details", "route", "show", "table", "all"]),
  );
  if (four === null && six === null) return null;
  return [...parseRoutes(four ?? "[]", 4), ...parseRoutes(six ?? "[]", 6)];
}

export function parseRoutes(json: string, family: 4 | 6): Route[] {
  const routes: Route[] = [];
  for (const entry of z.array(z.unknown()).catch([]).parse(fromJson(json))) {
    const parsed = routeSchema.safeParse(entry);
    if (!parsed.success) continue;
    const { dst, dev, table, type, protocol, scope, gateway, nexthops, nhid, metrics, advmss, mtu } = parsed.data;
    const [text = "", length] = dst === "default" ? [family === 4 ? "0.0.0.0" : "::", "0"] : dst.split("/");
    const network = parseAddress(text);
    if (network === null) continue;
    routes.push({
      destination: dst,
      family,
      network,
      prefixLength: Number(length ?? (family === 4 ? 32 : 128)),
      table,
      type,
      device: dev ?? nexthops?.[0]?.dev ?? null,
      isConnected: protocol === "kernel" && gateway == null && (scope === "link" || family === 6),
      nextHops: nexthops?.length ?? 1,
      nextHopId: nhid ?? null,
      advertisedMss: advmss ?? metrics?.[0]?.advmss ?? null,
      mtu: mtu ?? metrics?.[0]?.mtu ?? null,
    });
  }
  return routes;
}

/** The route of the main table that an address takes, by the longest prefix; null where none does. */
export function routeTo(routes: readonly Route[], address: AddressWords): Route | null {
  const isV4 = address[0] === 0 && address[1] === 0 && address[2] === 0xffff;
  let best: Route | null = null;
  for (const route of routes) {
    if (route.family !== (isV4 ? 4 : 6) || route.table !== "main" || route.type !== "unicast") continue;
    if (!isInNetwork(address, route.network, route.prefixLength)) continue;
    if (best === null || route.prefixLength > best.prefixLength) best = route;
  }
  return best;
}

/** A nexthop object that is a group (ip-nexthop(8)). */
export interface NextHopGroup {
  id: number;
  members: number;
  /** `resilient` keeps flows where they are when a member comes or goes; `mpath` does not. */
  type: string;
}

const groupSchema = z.object({
  id: z.number(),
  group: z.array(z.unknown()),
  type: z.string().default("mpath"),
});

export function readNextHopGroups(host: Host): NextHopGroup[] {
  const told = host.fact("nexthops.json", () => runTool(["ip", "-json", "nexthop", "show"]));
  return z
    .array(z.unknown())
    .catch([])
    .parse(fromJson(told ?? "[]"))
    .flatMap((entry) => {
      const parsed = groupSchema.safeParse(entry);
      return parsed.success ? [{ id: parsed.data.id, members: parsed.data.group.length, type: parsed.data.type }] : [];
    });
}
