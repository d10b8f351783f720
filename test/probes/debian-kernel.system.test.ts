import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { projectDir, requires } from "../support/requirement.ts";

/** What `npm run lab` builds once for the scenarios that need Debian's kernel, 6.1. */
const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "l4scope-lab");
const [kernel, initramfs, disk] = ["vmlinuz", "initramfs.gz", "disk.img"].map((name) => join(cacheDir, name));
const QEMU = "/usr/bin/qemu-system-x86_64";

const need = requires({
  kernel: () => {
    if (process.env.L4SCOPE_VM !== "1") return "L4SCOPE_VM=1 in the environment (boots Debian's kernel, two minutes)";
    if (!existsSync(`${projectDir}/dist/src/probe/open-probe.js`)) return "a build (npm run build)";
    return (
      [kernel, initramfs, disk, QEMU].every((path) => existsSync(path ?? "")) || `the lab's machine in ${cacheDir}`
    );
  },
});

interface GuestProbe {
  notes: string[];
  counters: { sent: number; delivered: number; lost: number };
  events: Record<string, unknown>[];
}

describe.skipIf(need.missing)("on Debian 12's kernel, 6.1", () => {
  let result: { release: string; probes: Record<string, GuestProbe> };

  beforeAll(async () => {
    const shared = mkdtempSync(join(cacheDir, "probes-"));
    try {
      result = await runInMachine(shared);
    } finally {
      rmSync(shared, { recursive: true, force: true });
    }
  }, 300_000);

  const eventsOf = (probe: string) => result.probes[probe]?.events ?? [];

  test("every probe loads, attaches and loses nothing", () => {
    expect(result.release).toMatch(/^6\.1\./);
    expect(Object.keys(result.probes)).toHaveLength(5);
    for (const { counters, events } of Object.values(result.probes)) {
      expect(counters).toMatchObject({ sent: events.length, delivered: events.length, lost: 0 });
      expect(events.length).toBeGreaterThan(0);
    }
  });

  test("tcplife tells how connections ended", () => {
    const ends = new Set(eventsOf("tcplife").map(({ ended }) => ended));
    expect([...ends]).toEqual(expect.arrayContaining(["refused", "fin", "reset-sent", "reset-received", "given-up"]));
  });

  test("tcpconnect hears of calls that fail before a SYN", () => {
    expect(result.probes.tcpconnect?.notes).toEqual([]);
    expect(eventsOf("tcpconnect")).toContainEqual(
      expect.objectContaining({ remote: "198.51.100.1:80", outcome: "unreachable", error: "ENETUNREACH" }),
    );
  });

  test.each(["tcprst", "tcprst by kprobe"])(
    "%s tells of resets without a socket, and that reasons are missing",
    (name) => {
      expect(result.probes[name]?.notes).toEqual([expect.stringContaining("gives no reason")]);
      const sent = eventsOf(name).filter(({ direction }) => direction === "sent");
      const causes = new Set(sent.map(({ cause }) => cause));
      expect([...causes].sort()).toEqual(["abort", "late-data", "no-state", "overflow", "refused"]);
      expect(sent.every(({ reason }) => reason === null)).toBe(true);
    },
  );

  test("tcpretrans tells a SYN sent again", () => {
    expect(eventsOf("tcpretrans")).toContainEqual(expect.objectContaining({ what: "syn", state: "SYN_SENT" }));
  });
});

/** Boots the machine with the package in its shared folder, runs guest.mjs there and gives back what it printed. */
async function runInMachine(shared: string) {
  const to = join(shared, "l4scope");
  mkdirSync(join(to, "node_modules"), { recursive: true });
  for (const path of [
    "dist",
    "probes",
    "package.json",
    "node_modules/koffi",
    "node_modules/@koromix",
    "node_modules/ipaddr.js",
  ]) {
    cpSync(join(projectDir, path), join(to, path), { recursive: true });
  }
  for (const name of ["guest.mjs", "socket-traffic.py"])
    cpSync(`${projectDir}/test/probes/${name}`, join(shared, name));
  // the shared folder is slow: what is read often is copied
  const job =
    "ip link set lo up\ncp -r /mnt/lab/l4scope /tmp/l4scope\nnode /mnt/lab/guest.mjs /tmp/l4scope /mnt/lab/socket-traffic.py >/mnt/lab/result.json\n";
  writeFileSync(join(shared, "job.sh"), job);
  const words = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable clocksource=tsc";
  const machine = spawn(
    QEMU,
    [
      ...["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", "2", "-m", "2048"],
      ...["-nic", "none", "-nographic", "-no-reboot", "-kernel", kernel ?? "", "-initrd", initramfs ?? ""],
      ...["-append", words, "-drive", `file=${disk},format=raw,if=virtio,snapshot=on`],
      ...["-virtfs", `local,path=${shared},mount_tag=lab,security_model=none`],
    ],
    { stdio: "ignore" },
  );
  const timer = setTimeout(() => machine.kill("SIGKILL"), 240_000);
  await once(machine, "exit");
  clearTimeout(timer);
  const text = readFileSync(join(shared, "result.json"), "utf8");
  if (text === "") throw new Error(`the machine left no result: ${readFileSync(join(shared, "job.log"), "utf8")}`);
  return JSON.parse(text);
}
