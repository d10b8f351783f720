import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import type { Capability, ProbeManifest } from "./manifest.ts";
import { ProbeError } from "./probe-error.ts";

/** Bits of a capability set (linux/capability.h); CAP_SYS_ADMIN stands for the first two as before Linux 5.8. */
const BITS: Readonly<Record<Capability | "CAP_SYS_ADMIN", bigint>> = {
  CAP_NET_ADMIN: 12n,
  CAP_SYS_ADMIN: 21n,
  CAP_PERFMON: 38n,
  CAP_BPF: 39n,
};

/** What this host has, as far as probes care. */
export interface Host {
  platform: string;
  /** As uname gives it: `6.1.0-28-amd64`. */
  release: string;
  /** /proc/self/status. */
  status: string;
  hasKernelBtf: boolean;
}

export function thisHost(): Host {
  return {
    platform: process.platform,
    release: release(),
    status: process.platform === "linux" ? readFileSync("/proc/self/status", "utf8") : "",
    hasKernelBtf: existsSync("/sys/kernel/btf/vmlinux"),
  };
}

/** The capabilities, of those wanted, that the process has not. */
export function missingCapabilities(status: string, wanted: readonly Capability[]): Capability[] {
  const effective = BigInt(`0x${/^CapEff:\s*([\da-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const has = (name: keyof typeof BITS) => ((effective >> BITS[name]) & 1n) === 1n;
  return wanted.filter((name) => !has(name) && !(name !== "CAP_NET_ADMIN" && has("CAP_SYS_ADMIN")));
}

/**
 * Why a probe cannot run on this host, in one line that says what to do, or null where nothing is known against it:
 * asked first, since the kernel's own answer to most of these is a bare EPERM.
 */
export function objectionTo(
  { name, minKernel, capabilities }: Pick<ProbeManifest<never>, "name" | "minKernel" | "capabilities">,
  host: Host,
): string | null {
  if (host.platform !== "linux") return `${name} needs Linux; this is ${host.platform}`;
  if (compareReleases(host.release, minKernel) < 0) {
    return `${name} needs Linux ${minKernel} or later; this is ${host.release}`;
  }
  const missing = missingCapabilities(host.status, capabilities);
  if (missing.length > 0) {
    const setcap = `sudo setcap ${missing.map((each) => each.toLowerCase()).join(",")}+ep "$(readlink -f "$(command -v node)")"`;
    return `${name} needs ${missing.join(" and ")}; run as root, or ${setcap}`;
  }
  if (!host.hasKernelBtf) {
    return `${name} needs a kernel with BTF, and there is no /sys/kernel/btf/vmlinux; boot one built with CONFIG_DEBUG_INFO_BTF=y`;
  }
  return null;
}

/** Below 0 where `a` is older; only the first two numbers count. */
export function compareReleases(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split(/[.-]/).map(Number);
  const [bMajor = 0, bMinor = 0] = b.split(/[.-]/).map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}

export function requireHost(manifest: Parameters<typeof objectionTo>[0]): void {
  const objection = objectionTo(manifest, thisHost());
  if (objection !== null) throw new ProbeError(objection);
}
