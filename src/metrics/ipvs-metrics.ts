import { type Host, liveHost } from "../host/host.ts";
import { type IpvsDestination, type IpvsService, readIpvsTable, readIpvsTotals } from "../host/ipvs-table.ts";
import type { MetricSample } from "../live/live-model.ts";
import { addressText } from "../topology/address.ts";
import { IPVS_BACKEND_METRICS, IPVS_TOTAL_METRICS } from "./ipvs-metric-table.ts";
import { type CustomMetric, valuesOf } from "./printed-family.ts";

/**
 * What IPVS counts in this network namespace, under node_exporter's names, read of the kernel at each scrape. Without
 * IPVS there are no series.
 */
export function ipvsMetrics(host: Host): CustomMetric[] {
  const totals = onceAScrape(() => readIpvsTotals(host));
  const backends = onceAScrape(() =>
    (readIpvsTable(host)?.services ?? []).flatMap((service) =>
      service.destinations.map((destination) => ({ labels: labelsOf(service, destination), destination })),
    ),
  );
  return [
    ...IPVS_TOTAL_METRICS.map(({ key, ...definition }) =>
      valuesOf(definition, (): MetricSample[] => {
        const read = totals();
        return read === null ? [] : [{ labels: [], value: read[key] }];
      }),
    ),
    ...IPVS_BACKEND_METRICS.map(({ key, ...definition }) =>
      valuesOf(definition, () => backends().map(({ labels, destination }) => ({ labels, value: destination[key] }))),
    ),
  ];
}

/** Why there will be no series on this host, in a line; null where there will be. */
export function objectionToIpvs(host: Host): string | null {
  if (readIpvsTable(host) !== null) return null;
  return "--ipvs: no IPVS here (/proc/net/ip_vs cannot be read): no node_ipvs series until ip_vs is loaded in this network namespace";
}

/** In the order of the table's labels, as node_exporter writes them: a service of a mark has no address, and port 0. */
function labelsOf({ protocol, vip, mark }: IpvsService, { address: backend }: IpvsDestination): string[] {
  const local = vip === null ? ["", "0"] : [addressText(vip.address), String(vip.port)];
  const proto = protocol === "fwmark" ? "FWM" : protocol.toUpperCase();
  // the mark as /proc/net/ip_vs prints it
  const localMark = protocol === "fwmark" ? mark.toString(16).toUpperCase().padStart(8, "0") : "";
  return [...local, addressText(backend.address), String(backend.port), proto, localMark];
}

/** Metrics of one scrape are read in one go: they share what the first of them reads. */
function onceAScrape<T>(read: () => T): () => T {
  let known: { value: T } | null = null;
  return () => {
    if (known === null) {
      known = { value: read() };
      queueMicrotask(() => {
        known = null;
      });
    }
    return known.value;
  };
}

/**
 * Makes the metrics of the host this runs on.
 *
 * @param onProblem told in a line where there is no IPVS
 */
export function ipvsOfThisHost(onProblem: (line: string) => void): () => CustomMetric[] {
  const host = liveHost();
  const objection = objectionToIpvs(host);
  if (objection !== null) onProblem(objection);
  return () => ipvsMetrics(host);
}
