import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCli } from "../support/run-process.ts";

const hosts = "fixtures/hosts";

describe("doctor of a folder", () => {
  test("says first how bad it is, then what, why and what mends it", async () => {
    const { exitCode, stdout, stderr } = await runCli([
      "doctor",
      "--root",
      `${hosts}/real-server-wrong`,
      "--ignore",
      "run.*",
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const [verdict] = stdout.split("\n");
    expect(verdict).toBe("3 settings break connections · 5 risks");
    expect(stdout).toMatch(/^ {2}✗ rp_filter is strict on tunl0: packets out of the tunnel are dropped$/m);
    expect(stdout).toMatch(
      /^ {4}mend {4}sysctl -w net\.ipv4\.conf\.all\.rp_filter=0 net\.ipv4\.conf\.tunl0\.rp_filter=2$/m,
    );
    expect(stdout.trimEnd()).toMatch(/\d+ checks do not apply here$/);
    // commands are never broken, so only they may be long
    for (const line of stdout.split("\n").filter((each) => !/sysctl|ip |ethtool|ss |backlog=/.test(each))) {
      expect([...line].length, line).toBeLessThanOrEqual(80);
    }
  });

  test("of one that is set up right says so in a line", async () => {
    const { stdout } = await runCli([
      "doctor",
      "--root",
      `${hosts}/real-server`,
      "--ignore",
      "run.*",
      "--ignore",
      "time.*",
    ]);
    expect(stdout.split("\n")[0]).toBe("nothing is wrong with this host, as far as can be seen from it");
    expect(stdout).not.toMatch(/^ *[✗!?]/m);
  });

  test("for a program", async () => {
    const { exitCode, stdout } = await runCli([
      "doctor",
      "--root",
      `${hosts}/ipvs-nat-wrong`,
      "--json",
      "--ignore",
      "run.*",
    ]);
    expect(exitCode).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({
      schema: "l4scope.doctor/1",
      host: {
        kernel: expect.stringMatching(/^6\.1\./),
        live: false,
        roles: [{ role: "lb", because: "IPVS has 5 services" }],
      },
      watched: null,
    });
    const redirects = document.checks.find(({ id }: { id: string }) => id === "forwarding.redirects");
    expect(redirects).toEqual({
      id: "forwarding.redirects",
      part: "host",
      result: "warning",
      title: expect.stringContaining("eth0 sends ICMP redirects"),
      seen: { "net.ipv4.conf.all.send_redirects": 1, "net.ipv4.conf.eth0.send_redirects": 1 },
      why: expect.any(String),
      remedy: ["sysctl -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0"],
    });
    const { silent, ...results } = document.summary;
    expect(Object.values<number>(results).reduce((sum, n) => sum + n, 0)).toBe(document.checks.length);
    expect(silent).toBe(document.silent.length);
  });

  test.each([
    [["--fail-on", "critical"], 3],
    [["--fail-on", "critical", "--ignore", "ipvs.*", "--ignore", "forwarding.*"], 0],
    [["--fail-on", "warning", "--only", "ipvs.conn-reuse-mode"], 3],
    [["--fail-on", "warning", "--only", "receive.*"], 0],
  ])("%j exits with %i", async (flags, expected) => {
    const { exitCode } = await runCli(["doctor", "--root", `${hosts}/ipvs-nat-wrong`, ...flags]);
    expect(exitCode).toBe(expected);
  });
});

describe("what cannot be done is said in a line, exit code 2", () => {
  test.each([
    [["--root", "test"], /^l4scope doctor: test: has no proc in it; .*--save DIR.*\n$/],
    [["--only", "ipvs.nothing"], /^l4scope doctor: --only ipvs\.nothing: no such check; .*\n$/],
    [["--role", "king"], /^l4scope doctor: .*--role.*\n$/],
    [["--root", `${hosts}/ecmp`, "--duration", "5"], /^l4scope doctor: .*--root.*\n$/],
  ])("%j", async (flags, message) => {
    const { exitCode, stdout, stderr } = await runCli(["doctor", ...flags]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });
});

test("a host that is kept is told the same of", async () => {
  const folder = join(mkdtempSync(join(tmpdir(), "l4scope-doctor-")), "host");
  try {
    const checks = ["--only", "run.*", "--only", "ipvs.*", "--only", "arp.*", "--only", "tcp.*", "--json"];
    const live = await runCli(["doctor", "--save", folder, ...checks]);
    expect(existsSync(join(folder, "proc/sys/kernel/osrelease"))).toBe(true);
    const again = await runCli(["doctor", "--root", folder, ...checks]);
    const [first, second] = [live, again].map(({ stdout }) => JSON.parse(stdout));
    expect(first.host.live).toBe(true);
    expect(second.checks).toEqual(first.checks);
    expect(second.host).toEqual({ ...first.host, live: false });
  } finally {
    rmSync(join(folder, ".."), { recursive: true });
  }
});

test("counters can be watched", async () => {
  const { exitCode, stdout } = await runCli(["doctor", "--duration", "1", "--json", "--only", "receive.*"]);
  expect(exitCode).toBe(0);
  const { watched } = JSON.parse(stdout);
  expect(watched).toBeGreaterThanOrEqual(0.9);
  expect(watched).toBeLessThan(10);
});
