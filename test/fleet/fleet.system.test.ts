import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClickHouse } from "../../src/fleet/click-house.ts";
import { ensureTables } from "../../src/fleet/fleet-schema.ts";
import { type ShipOptions, Shipper, type ShipStats } from "../../src/fleet/shipper.ts";
import { Outbox } from "../../src/store/outbox.ts";
import { StoreWriter } from "../../src/store/store-writer.ts";
import { FACTS, fill, someConnections, withStore } from "../store/store-folder.ts";
import { projectDir, requires } from "../support/requirement.ts";
import { runCli } from "../support/run-process.ts";
import { CLICK_HOUSE_NEEDS, ClickHouseServer, GUARDED } from "./click-house-server.ts";

const need = requires(CLICK_HOUSE_NEEDS);

describe.skipIf(need.missing)("a fleet's ClickHouse", () => {
  let server: ClickHouseServer;
  beforeAll(async () => {
    server = await ClickHouseServer.start();
  }, 60_000);
  afterAll(() => server?.close());

  const HUNDREDS = someConnections({ connections: 1200, spanSeconds: 90_000 });
  const count = async (database: string, what = "count()", table = "connections FINAL") =>
    Number(await server.ask(`SELECT ${what} FROM ${database}.${table}`));

  async function ship(path: string, database: string, options: ShipOptions = {}): Promise<ShipStats> {
    const shipper = await Shipper.open(path, server.address(database), options);
    await shipper.run().catch(() => {});
    return shipper.close();
  }

  test("gets each connection once, as the store has it, however often it is sent", async () => {
    await withStore(async (path) => {
      await fill(path, HUNDREDS);
      expect(await ship(path, "once", { batchRows: 700 })).toMatchObject({
        connections: HUNDREDS.length,
        waiting: 0,
        trouble: null,
      });
      expect(await ship(path, "once", { batchRows: 700 })).toMatchObject({ connections: 0, waiting: 0 });
      const outbox = await Outbox.open(path);
      outbox.stop();
      outbox.close();
      // all of it again, as after a server that died before it answered
      expect(await ship(path, "once", { batchRows: 700 })).toMatchObject({ connections: HUNDREDS.length });
    });
    expect(await count("once")).toBe(HUNDREDS.length);
    const sum = (side: "up" | "down") => HUNDREDS.reduce((all, { connection }) => all + connection.bytes[side], 0);
    expect(await count("once", "sum(bytes_up)")).toBe(sum("up"));
    expect(await count("once", "sum(bytes_down)")).toBe(sum("down"));
    const [one] = HUNDREDS;
    const row = await server.ask(
      `SELECT start_ns, end_ns, client, client_port, vip, backend, outcome, host, run FROM once.connections FINAL WHERE number = ${one?.connection.id.slice(1)}`,
    );
    const { start, end, client, vip, backend, outcome } = one!.connection;
    const ns = (epoch: string | null) => epoch?.replace(".", "") ?? "";
    expect(row).toBe([ns(start), ns(end), ...client.split(":"), vip, backend, outcome, FACTS.host, 1].join("\t"));
  });

  test("is stopped and started again while a recorder writes: nothing is lost, nothing is doubled", async () => {
    await withStore(async (path) => {
      const notices: string[] = [];
      const writer = await StoreWriter.open(path, FACTS, { commitEverySeconds: 0.05 });
      const options = {
        follow: true,
        everySeconds: 0.1,
        settledSeconds: 0,
        onNotice: (line: string) => notices.push(line),
      };
      const shipper = await Shipper.open(path, server.address("stopped"), options);
      const running = shipper.run();
      const write = async (from: number, to: number) => {
        for (let i = from; i < to; i += 20) {
          writer.addConnections(HUNDREDS.slice(i, i + 20));
          await sleep(20);
        }
      };
      await write(0, 400);
      await server.stop();
      try {
        await write(400, 800);
        expect(shipper.stats).toMatchObject({ trouble: expect.stringContaining(server.url) });
      } finally {
        await server.start();
      }
      await write(800, HUNDREDS.length);
      writer.close();
      await expect.poll(() => shipper.stats.waiting, { timeout: 60_000, interval: 200 }).toBe(0);
      shipper.stop();
      await running;
      expect(await shipper.close()).toMatchObject({ gone: 0, waiting: 0, trouble: null });
      expect(notices).toEqual([
        expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+: .+; rows wait in the store$/),
        `${server.url}: sending again`,
      ]);
    });
    expect(await count("stopped")).toBe(HUNDREDS.length);
    expect(await count("stopped", "uniqExact(run, number)")).toBe(HUNDREDS.length);
  }, 120_000);

  test("gets all of it from a shipper that is killed again and again", async () => {
    await withStore(async (path) => {
      await fill(path, HUNDREDS);
      for (let round = 0; round < 5; round++) {
        const args = ["--import", "tsx", "test/fleet/shipping-process.ts", path, `${server.url}/killed`];
        const env = { ...process.env, NODE_OPTIONS: undefined, VITEST: undefined };
        const child = spawn(process.execPath, args, { cwd: projectDir, stdio: ["ignore", "pipe", "inherit"], env });
        await once(child.stdout, "data");
        await sleep(20 + Math.random() * 200);
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await ship(path, "killed");
    });
    expect(await count("killed")).toBe(HUNDREDS.length);
  }, 120_000);

  test("has what is known now of a connection and a finding, not what was", async () => {
    await withStore(async (path) => {
      await fill(path, HUNDREDS.slice(0, 10));
      await ship(path, "changed");
      const { openForWriting } = await import("../../src/store/open-store.ts");
      const database = await openForWriting(path);
      database.prepare("UPDATE connections SET outcome = 'reset', reset_by = 'lb' WHERE number = 3").run();
      database.close();
      await ship(path, "changed");
    });
    expect(await server.ask("SELECT outcome, reset_by FROM changed.connections FINAL WHERE number = 3")).toBe(
      "reset\tlb",
    );
    expect(await count("changed")).toBe(10);
  });

  test("is told apart from one of a newer l4scope", async () => {
    const newer = await ClickHouse.of(server.address("newer"));
    await ensureTables(newer);
    await newer.insert("schema_version", [{ version: 99, since: 1_790_000_000 }]);
    await expect(ensureTables(newer)).rejects.toThrow(/newer is of a newer l4scope \(schema 99, this one knows 1\)/);
    await newer.close();
  });

  describe("of several hosts", () => {
    const fleet = () => `${server.url}/hosts`;
    const query = (...args: string[]) => runCli(["query", ...args, "--fleet", fleet(), "--json"]);
    const rowsOf = async (...args: string[]) =>
      JSON.parse((await query(...args)).stdout).rows as Record<string, unknown>[];

    beforeAll(async () => {
      // each host records what it sees by itself, and sends it by itself
      await withStore(async (path) => {
        for (const [scenario, hosts] of Object.entries(SEEN)) {
          for (const host of hosts) {
            const store = `${path}.${scenario}.${host}`;
            const captures = capturesOf(scenario, host);
            expect(await runCli(["analyze", ...captures, "--store", store])).toMatchObject({ exitCode: 0 });
            const sent = await runCli(["ship", "--store", store, "--fleet", fleet(), "--host", host]);
            expect(sent).toMatchObject({
              exitCode: 0,
              stderr: "",
              stdout: expect.stringMatching(/^\d+ connections and /),
            });
          }
        }
      });
    }, 120_000);

    test("says who sends", async () => {
      const hosts = [...new Set(Object.values(SEEN).flat())].sort();
      expect((await rowsOf("hosts")).map(({ host, state }) => [host, state])).toEqual(
        hosts.map((host) => [host, "ended"]),
      );
    });

    test("tells of findings, and of those that held when their host stopped", async () => {
      const told = { host: "lb9", finding: "backend.refusing", severity: "critical" };
      const findings = async () => (await rowsOf("findings")).filter(({ severity }) => severity !== "info");
      expect(await findings()).toMatchObject([{ ...told, state: "over", until: expect.any(String) }]);
      await server.ask(
        "INSERT INTO hosts.findings (host, store, run, key, version, finding, severity, state, opened_ns, last_ns) " +
          "SELECT host, store, run, key, version + 1, finding, severity, 'open', opened_ns, last_ns FROM hosts.findings FINAL WHERE finding = 'backend.refusing'",
      );
      expect(await findings()).toMatchObject([{ ...told, state: "open at end", until: null }]);
    });

    test("says how balancers share a VIP", async () => {
      const rows = (await rowsOf("members", "--vip", "192.0.2.10:443")).filter(({ host }) =>
        String(host).startsWith("lb"),
      );
      expect(rows.map(({ host }) => host).sort()).toEqual(["lb1", "lb2", "lb3", "lb9"]);
      expect(rows.reduce((all, { share }) => all + Number(share), 0)).toBeCloseTo(1);
      expect(rows.every(({ even }) => Math.abs(Number(even) - 1 / 4) < 1e-9)).toBe(true);
    });

    test("follows a connection from host to host, across address translation", async () => {
      const [client] = await rowsOf(
        "SELECT concat(client, ':', toString(client_port)) AS flow FROM hosts.connections WHERE host = 'c1' ORDER BY start_ns LIMIT 1",
      );
      const legs = await rowsOf("journey", "--flow", String(client?.flow));
      expect(legs.map(({ point }) => point)).toEqual([
        "c1:eth0",
        "lb1:eth0",
        "lb1:eth1",
        expect.stringMatching(/^rs\d:eth0$/),
      ]);
      expect(legs.map(({ src }) => src)).toEqual([client?.flow, client?.flow, legs[3]?.src, legs[3]?.src]);
      expect(legs[3]?.src).not.toBe(client?.flow);
      expect(legs[2]?.dst).toBe(legs[3]?.dst);
      expect(legs.map(({ outcome }) => outcome)).toEqual(["ok", "ok", null, "ok"]);
    });

    test("narrows by host, VIP and time", async () => {
      const all = await rowsOf("outcomes");
      expect(await rowsOf("outcomes", "--host", "lb2")).toEqual(all.filter(({ host }) => host === "lb2"));
      const vip = String(all[0]?.vip);
      expect(await rowsOf("outcomes", "--vip", vip)).toEqual(all.filter((row) => row.vip === vip));
      expect(await rowsOf("outcomes", "--from", "2030-01-01")).toEqual([]);
      expect((await rowsOf("timeline")).reduce((sum, { opened }) => sum + Number(opened), 0)).toBe(
        all.reduce((sum, { connections }) => sum + Number(connections), 0),
      );
    });

    test("answers every question that has a name", async () => {
      const { questions } = JSON.parse((await query("--list")).stdout) as {
        questions: { id: string; columns: unknown[] }[];
      };
      for (const { id, columns } of questions.filter((one) => one.id !== "journey")) {
        const { stdout, stderr, exitCode } = await query(id);
        expect({ id, exitCode, stderr: stderr.replace(/^.*only the first \d+ rows.*\n$/, "") }).toEqual({
          id,
          exitCode: 0,
          stderr: "",
        });
        expect(JSON.parse(stdout).columns).toEqual(columns);
      }
    });

    test("takes a SELECT, and nothing that writes", async () => {
      expect(await rowsOf("SELECT 1 + 1 AS two, toUInt64(18446744073709551615) AS large")).toEqual([
        { two: 2, large: "18446744073709551615" },
      ]);
      for (const sql of [
        "DROP TABLE hosts.runs",
        "INSERT INTO hosts.runs (host) VALUES ('x')",
        "SELECT frm",
        "SELEC 1",
      ]) {
        const { exitCode, stderr } = await query(sql);
        expect(exitCode).toBe(2);
        expect(stderr).toMatch(/^l4scope query: SQL: http:[^\n]+\n$/);
      }
      expect(await count("hosts", "count()", "runs FINAL")).toBe(Object.values(SEEN).flat().length);
    });

    test.each([
      [["hosts", "--vip", "192.0.2.10:443"], /--vip says nothing to hosts/],
      [["nothing"], /nothing: no such question to a fleet/],
      [["journey"], /name the client with --flow/],
      [["journey", "--flow", "192.0.2.99:1"], /no host told of a connection of this client/],
      [["outcomes", "--vip", "x'y"], /--vip: expected IP:PORT/],
    ])("%j is refused in a line", async (args, line) => {
      const { exitCode, stdout, stderr } = await query(...args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toMatch(line);
      expect(stderr).toMatch(/^l4scope query: [^\n]+\n$/);
    });

    test("lets in who knows the password", async () => {
      const guarded = ["query", "hosts", "--fleet", fleet().replace("//", `//${GUARDED.user}@`)];
      const refused = await runCli(guarded);
      expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("L4SCOPE_FLEET_PASSWORD") });
      const env = { L4SCOPE_FLEET_PASSWORD: GUARDED.password };
      expect(await runCli(guarded, { env })).toMatchObject({ exitCode: 0, stderr: "" });
    });
  });

  test("record sends beside recording, and what waits at its end", async () => {
    await withStore(async (path) => {
      const captures = capturesOf("fullnat-rr", "lb1").flatMap((capture) => ["--replay", capture]);
      const source = [...captures, "--speed", "max", "--store", path, "--fleet", `${server.url}/recorded`];
      const { exitCode, stdout, stderr } = await runCli(["record", ...source]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      const kept = Number(/^(\d+) connections kept/.exec(stdout)?.[1]);
      expect(kept).toBeGreaterThan(0);
      expect(await count("recorded")).toBe(kept);
      expect(await server.ask("SELECT isNull(ended_ns) FROM recorded.runs FINAL")).toBe("0");
    });
  });
});

test.skipIf(need.missing)("a recording goes on where the fleet is not there", async () => {
  await withStore(async (path) => {
    const captures = capturesOf("fullnat-rr", "lb1").flatMap((capture) => ["--replay", capture]);
    const source = [...captures, "--speed", "max", "--store", path, "--fleet", "http://127.0.0.1:1"];
    const { exitCode, stdout, stderr } = await runCli(["record", ...source]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^\d+ connections kept in /);
    expect(stderr).toMatch(
      /^l4scope record: warning: http:\/\/127\.0\.0\.1:1: nothing listens there[^\n]*; rows wait in the store\n$/,
    );
    const outbox = await Outbox.open(path);
    expect(outbox.length).toBeGreaterThan(0);
    outbox.close();
  });
});

/** Which hosts saw which scenario of the lab. */
const SEEN = {
  "fullnat-rr": ["c1", "lb1", "rs1", "rs2", "rs3"],
  "ecmp-3lb": ["lb2", "lb3"],
  "dnat-backend-refusing": ["lb9"],
} as const;

function capturesOf(scenario: string, host: string): string[] {
  if (host === "lb9") return capturesOf(scenario, "lb1");
  const names: Readonly<Record<string, string[]>> = {
    lb1: ["eth0", "eth1"],
    lb2: ["eth0", "eth1"],
    lb3: ["eth0", "eth1"],
  };
  return (names[host] ?? ["eth0"]).map((point) => `fixtures/scenarios/${scenario}/${host}-${point}.pcap.gz`);
}
