import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import { analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { analysisOf } from "../../src/report/analysis.ts";
import { analysisDocument } from "../../src/report/document/analysis-document.ts";
import { projectDir, requires } from "../support/requirement.ts";

const { missing } = requires({ tool: "prometheus" });
const dir = mkdtempSync(join(tmpdir(), "l4scope-prometheus-"));
const started: ChildProcess[] = [];
let prometheusUrl = "";
let exporterUrl = "";
const PASSWORD_HASH = "$2b$04$Z3i8piX9FOS8R/hg2uiBeOECUY.DekbufkOvk2p/VqpfEd.SRIQM.";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

function capturesOf(scenario: string): string[] {
  const folder = join(projectDir, "fixtures/scenarios", scenario);
  return readdirSync(folder)
    .filter((name) => name.includes(".pcap"))
    .map((name) => join(folder, name));
}

async function connectionsOf(scenario: string) {
  const timeBase = new TimeBase();
  const analysis = analysisOf(await analyzeCaptures(capturesOf(scenario), { timeBase }));
  const { connections = [] } = analysisDocument(analysis, { connections: true });
  return { timeBase, connections: connections.map((one) => one.toJSON()) };
}

async function serve(scenario: string): Promise<string> {
  const replays = capturesOf(scenario).flatMap((path) => ["--replay", path]);
  const web = join(dir, "web.yml");
  const certificate = join(projectDir, "fixtures/tls/localhost");
  writeFileSync(
    web,
    `tls_server_config: { cert_file: ${certificate}.crt, key_file: ${certificate}.key }\nbasic_auth_users: { prometheus: "${PASSWORD_HASH}" }\n`,
  );
  const child = spawn(
    process.execPath,
    ["bin/run.js", "serve", ...replays, "--speed", "max", "--listen", "127.0.0.1:0", "--web-config", web],
    { cwd: projectDir, env: { ...process.env, NODE_ENV: undefined }, stdio: ["ignore", "ignore", "pipe"] },
  );
  started.push(child);
  let said = "";
  for await (const bytes of child.stderr!) {
    said += String(bytes);
    const url = /serving (\S+)\/metrics/.exec(said)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`serve did not start: ${said}`);
}

async function startPrometheus(target: string): Promise<string> {
  const port = await freePort();
  const config = join(dir, "prometheus.yml");
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [join(projectDir, "docs/prometheus/*-rules.yml"), join(projectDir, "docs/prometheus/alerts.yml")],
      scrape_configs: [
        {
          job_name: "l4scope",
          scheme: "https",
          tls_config: { ca_file: join(projectDir, "fixtures/tls/localhost.crt") },
          basic_auth: { username: "prometheus", password: "secret" },
          static_configs: [{ targets: [target.replace("https://", "")] }],
        },
      ],
    }),
  );
  const child = spawn(
    "prometheus",
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(dir, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--enable-feature=exemplar-storage",
    ],
    { stdio: "ignore" },
  );
  started.push(child);
  return `http://127.0.0.1:${port}`;
}

/** What Prometheus answers, as soon as it says what is waited for. */
async function until<T>(path: string, find: (data: never) => T | undefined, seconds = 60): Promise<T> {
  const end = Date.now() + seconds * 1000;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const response = await fetch(`${prometheusUrl}/api/v1/${path}`);
      last = ((await response.json()) as { data: unknown }).data;
      const found = find(last as never);
      if (found !== undefined) return found;
    } catch (error) {
      // it is still starting
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`not within ${seconds} s: ${JSON.stringify(last)}`);
}

describe.skipIf(missing)("a real Prometheus", () => {
  beforeAll(async () => {
    exporterUrl = await serve("ecmp-rehash");
    prometheusUrl = await startPrometheus(exporterUrl);
  });

  afterAll(async () => {
    for (const child of started) {
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    rmSync(dir, { recursive: true, force: true });
  });

  test("scrapes over TLS with a password", async () => {
    type Targets = { activeTargets: { health: string; lastError: string; lastScrape: string }[] };
    const target = await until("targets", ({ activeTargets: [one] }: Targets) =>
      one !== undefined && one.health !== "unknown" ? one : undefined,
    );
    expect(target).toMatchObject({ health: "up", lastError: "" });
  });

  test("has the connections and the resets as analyze counts them", async () => {
    type Vector = { result: { metric: Record<string, string>; value: [number, string] }[] };
    const sum = (expr: string) =>
      until(`query?query=${encodeURIComponent(expr)}`, ({ result: [one] }: Vector) =>
        one === undefined ? undefined : Number(one.value[1]),
      );
    expect(await sum('sum(l4scope_connections_total{outcome="reset"})')).toBe(24);
    expect(await sum('sum(l4scope_resets_total{by="lb",cause="no-state"})')).toBe(24);
    expect(await sum("sum(l4scope_connections_total)")).toBe(126);
  });

  test("keeps exemplars: a connection behind each cause of resets, bad end and connect time", async () => {
    type Exemplar = { labels: Record<string, string>; value: string; timestamp: number };
    type Found = { seriesLabels: Record<string, string>; exemplars: Exemplar[] }[];
    const exemplarsOf = (query: string) =>
      until(`query_exemplars?query=${encodeURIComponent(query)}&start=0&end=4102444800`, (found: Found) =>
        found.length > 0 ? found : undefined,
      );
    const [reset] = await exemplarsOf('l4scope_resets_total{by="lb",cause="no-state"}');
    const shown = reset?.exemplars.at(-1);
    expect(shown?.labels).toEqual({
      connection: expect.stringMatching(/^c\d+$/),
      community_id: expect.stringMatching(/^1:[A-Za-z0-9+/]{27}=$/),
    });
    // it names a connection that analyze lists, with that cause
    const { timeBase, connections } = await connectionsOf("ecmp-rehash");
    const named = connections.filter(({ communityId }) => communityId.includes(shown?.labels.community_id ?? ""));
    expect(named.map((one) => [one.outcome, one.reset?.by, one.reset?.cause])).toEqual([["reset", "lb", "no-state"]]);
    expect(Math.abs((shown?.timestamp ?? 0) - (timeBase.seconds ?? 0))).toBeLessThan(60);
    const [bad] = await exemplarsOf('l4scope_connections_total{outcome="reset"}');
    expect(bad?.exemplars[0]?.value).toBe("1");
    const buckets = await exemplarsOf("l4scope_connect_duration_seconds_bucket");
    for (const { seriesLabels, exemplars } of buckets) {
      for (const { value } of exemplars) expect(Number(value)).toBeLessThanOrEqual(Number(seriesLabels.le));
    }
  });

  test("fires the alert of the rehash", async () => {
    type Alerts = { alerts: { state: string; labels: Record<string, string>; annotations: Record<string, string> }[] };
    const alert = await until("alerts", ({ alerts }: Alerts) =>
      alerts.find(({ state, labels }) => state === "firing" && labels.alertname === "L4scopeCriticalFinding"),
    );
    expect(alert.labels).toMatchObject({ id: "ecmp.rehash", vip: "192.0.2.10:443", severity: "critical" });
    expect(alert.annotations.summary).toBe("ecmp.rehash at 192.0.2.10:443");
  });
});
