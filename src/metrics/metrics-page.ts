import { IPVS_METRICS } from "./ipvs-metric-table.ts";
import { allMetrics, type MetricDefinition } from "./metric-table.ts";

/** The page docs/metrics.md, from the tables of metrics. */
export function metricsPage(): string {
  return `# Metrics

What \`l4scope serve\` and \`l4scope top --listen\` give to Prometheus, besides \`process_*\` and \`nodejs_*\` of the process
itself. Made from the tables in \`src/metrics/\` by \`npm run docs\`.

No client's address or port is ever a label. The number of series is bounded by \`--max-series\`: VIPs, backends and members
beyond it are counted as \`other\`, and \`l4scope_series_dropped_total\` says how many that were. Counters are those of this
run: they begin at 0 when it starts.

${tableOf(allMetrics())}

## IPVS, with \`--ipvs\`

What the kernel's IPVS keeps in the network namespace that l4scope runs in, read at each scrape, under the names and labels
of node_exporter's collector \`ipvs\`: dashboards and alerts made for that work with these. Where node_exporter is scraped
on the same host, leave the flag out, or sums count every connection twice. Counters are IPVS's own: they begin when it
was loaded, or zeroed (\`ipvsadm -Z\`). Services of a firewall mark have the mark in \`local_mark\`, as
\`/proc/net/ip_vs\` prints it, and no address; of others that label is empty. \`--max-series\` does not bound them: there
are three for each real server of each service.

${tableOf(IPVS_METRICS)}
`;
}

function tableOf(metrics: readonly MetricDefinition[]): string {
  const rows = metrics.map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(" ")} | ${help} |`,
  );
  return ["| metric | type | labels | what it is |", "| --- | --- | --- | --- |", ...rows].join("\n");
}
