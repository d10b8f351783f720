import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type FleetAddress, parseFleetAddress } from "../../src/fleet/fleet-address.ts";

/** What a test needs that starts a ClickHouse server. */
export const CLICK_HOUSE_NEEDS = { tool: "clickhouse-server" } as const;
/** A user that has to give a password, besides `default` who need not. */
export const GUARDED = { user: "guarded", password: "open sesame" } as const;

/** A ClickHouse server on loopback with a folder of its own, which can be stopped and started again. */
export class ClickHouseServer {
  readonly url: string;
  private readonly folder: string;
  private child: ChildProcess | null = null;

  static async start(): Promise<ClickHouseServer> {
    const [http, tcp] = [await freePort(), await freePort()];
    const folder = mkdtempSync(join(tmpdir(), "l4scope-clickhouse-"));
    writeFileSync(join(folder, "config.xml"), configOf(folder, http, tcp));
    writeFileSync(join(folder, "users.xml"), USERS);
    const server = new ClickHouseServer(folder, `http://127.0.0.1:${http}`);
    await server.start();
    return server;
  }

  private constructor(folder: string, url: string) {
    this.folder = folder;
    this.url = url;
  }

  /** In a database of its own, which need not be there yet. */
  address(database: string): FleetAddress {
    return parseFleetAddress(`${this.url}/${database}`);
  }

  async start(): Promise<void> {
    const config = `--config-file=${join(this.folder, "config.xml")}`;
    this.child = spawn("clickhouse-server", [config], { cwd: this.folder, stdio: "ignore" });
    for (let tries = 0; tries < 300; tries++) {
      const answers = await fetch(`${this.url}/ping`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (answers) return;
      await sleep(100);
    }
    throw new Error(`clickhouse-server does not answer; see ${this.folder}/log`);
  }

  async stop(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child === null || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await gone;
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Values of one row, as tab-separated text. */
  async ask(sql: string): Promise<string> {
    const response = await fetch(this.url, { method: "POST", body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text.trimEnd();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const configOf = (folder: string, http: number, tcp: number) => `<yandex>
  <logger><level>warning</level><log>${folder}/log</log><errorlog>${folder}/errors</errorlog></logger>
  <http_port>${http}</http_port><tcp_port>${tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
  <path>${folder}/data/</path><tmp_path>${folder}/tmp/</tmp_path><mark_cache_size>67108864</mark_cache_size>
  <users_config>users.xml</users_config><default_profile>default</default_profile>
  <default_database>default</default_database>
</yandex>
`;

const user = (name: string, password: string) => `<${name}><password>${password}</password>
  <networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></${name}>`;

const USERS = `<yandex><profiles><default/></profiles><quotas><default/></quotas>
<users>${user("default", "")}${user(GUARDED.user, GUARDED.password)}</users></yandex>
`;
