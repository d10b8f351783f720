import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { projectDir } from "../support/requirement.ts";

/** What `npm run lab` builds once for the scenarios that need Debian's kernel, 6.1. */
const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "l4scope-lab");
const [kernel = "", initramfs = "", disk = ""] = ["vmlinuz", "initramfs.gz", "disk.img"].map((name) =>
  join(cacheDir, name),
);
const QEMU = "/usr/bin/qemu-system-x86_64";
/** The store's database is native code to be built on the spot, and the other is large and for the dashboard alone. */
const LEFT_OUT = ["*.map", "*.d.ts", "*/better-sqlite3", "*/es-toolkit"];

/** Whether the machine can be booted with this package in it; for `requires`. */
export function canBoot(): boolean | string {
  if (process.env.L4SCOPE_VM !== "1") return "L4SCOPE_VM=1 in the environment (boots Debian's kernel, two minutes)";
  if (!existsSync(`${projectDir}/dist/src/probe/open-probe.js`)) return "a build (npm run build)";
  return [kernel, initramfs, disk, QEMU].every((path) => existsSync(path)) || `the lab's machine in ${cacheDir}`;
}

/** A program to run in the machine: `node SCRIPT PACKAGE_FOLDER DATA`. It prints one line of JSON. */
export interface GuestJob {
  /** Files of test/probes. */
  script: string;
  data: string;
}

/** Boots the machine with the built package in it, runs the jobs one after another and gives back what each printed. */
export async function runInMachine(jobs: readonly GuestJob[]): Promise<unknown[]> {
  const shared = mkdtempSync(join(cacheDir, "probes-"));
  try {
    // the shared folder is slow with many files
    packInto(join(shared, "package.tar"));
    const lines = ["ip link set lo up", "mkdir /tmp/l4scope", "tar -xf /mnt/lab/package.tar -C /tmp/l4scope"];
    jobs.forEach(({ script, data }, i) => {
      for (const name of [script, data]) cpSync(`${projectDir}/test/probes/${name}`, join(shared, name));
      lines.push(`node /mnt/lab/${script} /tmp/l4scope /mnt/lab/${data} >/mnt/lab/result-${i}.json`);
    });
    writeFileSync(join(shared, "job.sh"), `${lines.join("\n")}\n`);
    await boot(shared);
    const log = join(shared, "job.log");
    return jobs.map(({ script }, i) => {
      const path = join(shared, `result-${i}.json`);
      const text = existsSync(path) ? readFileSync(path, "utf8") : "";
      const said = existsSync(log) ? readFileSync(log, "utf8") : "it never got to its job";
      if (text === "") throw new Error(`${script} left no result in the machine: ${said}`);
      return JSON.parse(text);
    });
  } finally {
    rmSync(shared, { recursive: true, force: true });
  }
}

/** The package as it is installed: what is built, and what it depends on. */
function packInto(file: string): void {
  const listed = execFileSync("npm", ["ls", "--omit=dev", "--all", "--parseable"], {
    cwd: projectDir,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const modules = listed
    .trim()
    .split("\n")
    .map((path) => relative(projectDir, path))
    .filter((path) => path !== "" && !/node_modules\/.*node_modules\//.test(path));
  const own = ["bin", "dist", "probes", "package.json", "oclif.manifest.json"];
  const excluded = LEFT_OUT.map((pattern) => `--exclude=${pattern}`);
  execFileSync("tar", ["-cf", file, ...excluded, "-C", projectDir, ...own, ...modules]);
}

async function boot(shared: string): Promise<void> {
  const words = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable clocksource=tsc";
  const machine = spawn(
    QEMU,
    [
      ...["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", "2", "-m", "2048"],
      ...["-nic", "none", "-nographic", "-no-reboot", "-kernel", kernel, "-initrd", initramfs],
      ...["-append", words, "-drive", `file=${disk},format=raw,if=virtio,snapshot=on`],
      ...["-virtfs", `local,path=${shared},mount_tag=lab,security_model=none`],
    ],
    { stdio: "ignore" },
  );
  const timer = setTimeout(() => machine.kill("SIGKILL"), 280_000);
  await once(machine, "exit");
  clearTimeout(timer);
}
