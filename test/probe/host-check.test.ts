import { expect, test } from "vitest";
import { compareReleases, type Host, missingCapabilities, objectionTo } from "../../src/probe/host-check.ts";

const ALL = "Name:\tnode\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n";
const NONE = "CapEff:\t0000000000000000\n";
const host: Host = { platform: "linux", release: "6.1.0-28-amd64", status: ALL, hasKernelBtf: true };
const needs = { name: "tcplife", minKernel: "5.9", capabilities: ["CAP_BPF", "CAP_PERFMON"] } as const;

test("nothing is held against a host that has all", () => expect(objectionTo(needs, host)).toBeNull());

test.each([
  ["another system", { platform: "darwin" }, "tcplife needs Linux; this is darwin"],
  ["an older kernel", { release: "5.4.0-91-generic" }, "tcplife needs Linux 5.9 or later; this is 5.4.0-91-generic"],
  ["no BTF", { hasKernelBtf: false }, "CONFIG_DEBUG_INFO_BTF=y"],
  [
    "no privileges",
    { status: NONE },
    "tcplife needs CAP_BPF and CAP_PERFMON; run as root, or sudo setcap cap_bpf,cap_perfmon+ep",
  ],
])("%s is said with what to do", (_, lack, words) => expect(objectionTo(needs, { ...host, ...lack })).toContain(words));

test("CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON, not for CAP_NET_ADMIN", () => {
  const sysAdmin = `CapEff:\t${(1n << 21n).toString(16).padStart(16, "0")}\n`;
  expect(missingCapabilities(sysAdmin, ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"])).toEqual(["CAP_NET_ADMIN"]);
});

test("only the one that is missing is named", () => {
  const bpfOnly = `CapEff:\t${(1n << 39n).toString(16).padStart(16, "0")}\n`;
  expect(missingCapabilities(bpfOnly, ["CAP_BPF", "CAP_PERFMON"])).toEqual(["CAP_PERFMON"]);
});

test("releases are compared by number", () => {
  expect(compareReleases("5.10", "5.9")).toBeGreaterThan(0);
  expect(compareReleases("6.18.44-fc", "6.18")).toBe(0);
});
