import { allMetrics } from "./metric-table.ts";

/** The page docs/metrics.md, from the table of metrics. */
export function metricsPage(): string {
  const rows = allMetrics().map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(" ")} | ${help} |`,
  );
  return `# Metrics

What \`l4scope serve\` and \`l4scope top --listen\` give to Prometheus, besides \`process_*\` and \`nodejs_*\` of the process
itself. Made from the table in \`src/metrics/metric-table.ts\` by \`npm run docs\`.

No client's address or port is ever a label. The number of series is bounded by \`--max-series\`: VIPs, backends and members
beyond it are counted as \`other\`, and \`l4scope_series_dropped_total\` says how many that were. Counters are those of this
run: they begin at 0 when it starts.

| metric | type | labels | what it is |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}
