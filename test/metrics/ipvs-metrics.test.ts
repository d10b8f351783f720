import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Host } from "../../src/host/host.ts";
import { recordedHost } from "../../src/host/recorded-host.ts";
import { Exposition } from "../../src/metrics/exposition.ts";
import { IPVS_METRICS } from "../../src/metrics/ipvs-metric-table.ts";
import { ipvsMetrics, objectionToIpvs } from "../../src/metrics/ipvs-metrics.ts";
import { metricsPage } from "../../src/metrics/metrics-page.ts";
import { modelOf } from "../support/live-model.ts";
import { projectDir, requires } from "../support/requirement.ts";

function hostOf(name: string): Host {
  const host = recordedHost(join(projectDir, "fixtures/hosts", name));
  if (host === null) throw new Error(`${name} is no host`);
  return host;
}

/** Its own table, beside the totals of another: node_exporter prints nothing where the totals are missing. */
const mixed = (): Host => {
  const [table, totals] = [hostOf("ipvs-nat-wrong"), hostOf("ipvs-nat")];
  return { ...table, readText: (path) => (path === "/proc/net/ip_vs_stats" ? totals : table).readText(path) };
};

const expositionOf = (host: Host) =>
  new Exposition({ model: () => modelOf() }, { version: "0.1.0", also: () => ipvsMetrics(host) });

/** The lines about IPVS, labels in order of their names. */
function ipvsLines(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line.includes("node_ipvs_"))
    .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(",").sort().join(",")}}`))
    .sort();
}

describe("node_ipvs_* is what node_exporter 1.5.0 prints of the same /proc", () => {
  // made by: prometheus-node-exporter --path.procfs=… --collector.disable-defaults --collector.ipvs
  test.each([
    ["ipvs-nat", () => hostOf("ipvs-nat")],
    // IPv6, UDP, a mark, weight 0
    ["ipvs-nat-wrong", mixed],
  ])("%s", async (name, host) => {
    const theirs = readFileSync(join(projectDir, "test/metrics/node-exporter", `${name}.prom`), "utf8");
    const { body } = await expositionOf(host()).print(false);
    expect(ipvsLines(body)).toEqual(ipvsLines(theirs));
  });
});

test("a scrape of one format leaves the other's names as they are", async () => {
  const exposition = expositionOf(hostOf("ipvs-nat"));
  const { body: open } = await exposition.print(true);
  expect(open).toContain("# TYPE node_ipvs_connections counter\nnode_ipvs_connections_total 5\n");
  const { body: plain } = await exposition.print(false);
  expect(plain).toContain("# TYPE node_ipvs_connections_total counter\nnode_ipvs_connections_total 5\n");
});

test("what is printed is what the kernel has at that scrape, read once for all metrics", async () => {
  let conns = "5";
  const reads: string[] = [];
  const recorded = hostOf("ipvs-nat");
  const host: Host = {
    ...recorded,
    readText(path) {
      reads.push(path);
      return recorded.readText(path)?.replace(/^ {7}5 /m, `       ${conns} `) ?? null;
    },
  };
  const exposition = expositionOf(host);
  expect((await exposition.print(false)).body).toContain("\nnode_ipvs_connections_total 5\n");
  conns = "A";
  expect((await exposition.print(false)).body).toContain("\nnode_ipvs_connections_total 10\n");
  expect(reads.filter((path) => path === "/proc/net/ip_vs_stats")).toHaveLength(2);
  expect(reads.filter((path) => path === "/proc/net/ip_vs")).toHaveLength(2);
});

test("without IPVS there is a line and no series; with it none", async () => {
  const bare: Host = { isLive: false, readText: () => null, fact: () => null };
  expect(objectionToIpvs(bare)).toMatch(/^--ipvs: no IPVS here [^\n]+$/);
  const { body } = await expositionOf(bare).print(false);
  expect(body).toContain("# TYPE node_ipvs_connections_total counter");
  expect(body).not.toMatch(/^node_ipvs_/m);
  expect(objectionToIpvs(hostOf("ipvs-nat"))).toBeNull();
});

test("docs/metrics.md is made from the tables", () => {
  expect(readFileSync(join(projectDir, "docs/metrics.md"), "utf8")).toBe(metricsPage());
  for (const { name } of IPVS_METRICS) expect(metricsPage()).toContain(`\`${name}\``);
});

const { missing } = requires({ tool: "promtool" });

test.skipIf(missing)("promtool finds nothing to complain of", async () => {
  const { body } = await expositionOf(mixed()).print(false);
  const run = spawnSync("promtool", ["check", "metrics"], { input: body, encoding: "utf8" });
  expect(`${run.stdout}${run.stderr}`).toBe("");
  expect(run.status).toBe(0);
});
