import { readBpfSupport } from "../host/bpf-support.ts";
import { formatBytes } from "../report/format-quantity.ts";
import { type Check, fine, SILENT, told, type Verdict } from "./check.ts";
import type { HostFacts } from "./host-facts.ts";

/** Numbers of linux/capability.h. SYS_ADMIN has in it what BPF and PERFMON were split from in Linux 5.8. */
const CAPABILITIES = [
  {
    name: "CAP_NET_ADMIN",
    bit: 12n,
    with: null,
    need: "to watch an interface's packets and to read connection tracking",
  },
  { name: "CAP_BPF", bit: 39n, with: 21n, need: "to load probes" },
  { name: "CAP_PERFMON", bit: 38n, with: 21n, need: "to attach probes to the kernel's own events" },
] as const;
const GRANT = "sudo l4scope …, or setcap cap_bpf,cap_perfmon,cap_net_admin+ep on a copy of node for this";
const MEMLOCK_BYTES = 64e6;

/** Whether the commands that watch a live host can run on it. Captures need none of this. */
export const CAN_RUN: readonly Check[] = [
  {
    id: "run.kernel",
    look(facts) {
      const isNew = facts.isKernelAtLeast(5, 8);
      const seen = { release: facts.kernelRelease };
      if (isNew === null) return SILENT;
      if (isNew) return fine(`Linux ${facts.kernelRelease}`, seen);
      return told("critical", {
        title: `Linux ${facts.kernelRelease} is too old`,
        seen,
        why: "Probes need ring buffers and capabilities of their own, which came with Linux 5.8.",
        remedy: ["a kernel of 5.8 or newer; captures can be read with any"],
      });
    },
  },
  {
    id: "run.btf",
    look: (facts) =>
      need(facts, ({ btf }) => btf, "the kernel brings its types (BTF)", {
        title: "the kernel does not bring its types (/sys/kernel/btf/vmlinux)",
        why: "Probes are built once and fitted to the running kernel by its types; without them they cannot be loaded.",
        remedy: ["a kernel with CONFIG_DEBUG_INFO_BTF=y, as distributions build them since 2021"],
      }),
  },
  {
    id: "run.capabilities",
    look(facts) {
      const [, hex] = /^CapEff:\s*([\da-f]+)$/m.exec(facts.host.readText("/proc/self/status") ?? "") ?? [];
      if (hex === undefined) return SILENT;
      const held = BigInt(`0x${hex}`);
      const has = (bit: bigint) => (held & (1n << bit)) !== 0n;
      const lacking = CAPABILITIES.filter(({ bit, with: wider }) => !has(bit) && (wider === null || !has(wider)));
      const seen = { CapEff: hex };
      if (lacking.length === 0) return fine(CAPABILITIES.map(({ name }) => name).join(", "), seen);
      return lacking.flatMap(({ name, need }) =>
        told("critical", { title: `${name} is missing`, seen, why: `It is needed ${need}.`, remedy: [GRANT] }),
      );
    },
  },
  {
    id: "run.koffi",
    look: (facts) =>
      need(facts, ({ koffi }) => koffi, "koffi", {
        title: "koffi is not installed",
        why: "It is how libbpf, which loads probes, and netlink are called.",
        remedy: ["npm install koffi   # an optional dependency: npm leaves it out where it cannot be had"],
      }),
  },
  {
    id: "run.libbpf",
    look: (facts) =>
      // without koffi nobody can tell
      readBpfSupport(facts.host)?.koffi === false
        ? SILENT
        : need(facts, ({ libbpf }) => libbpf !== null, `libbpf ${readBpfSupport(facts.host)?.libbpf ?? ""}`, {
            title: "libbpf.so.1 cannot be loaded",
            why: "It loads probes and fits them to the kernel.",
            remedy: ["apt-get install libbpf1   # dnf install libbpf"],
          }),
  },
  {
    id: "run.ring-buffer",
    look(facts) {
      const errno = readBpfSupport(facts.host)?.ringBufferErrno;
      if (errno === undefined || errno === null) return SILENT;
      if (errno === 0) return fine("a ring buffer can be made");
      return told("critical", {
        title: `a ring buffer cannot be made (errno ${errno})`,
        seen: { errno, "kernel.unprivileged_bpf_disabled": facts.sysctl("kernel.unprivileged_bpf_disabled") },
        why: "Probes hand events over in one. EPERM (1) means that rights are missing, EINVAL (22) a kernel before 5.8.",
        remedy: [GRANT],
      });
    },
  },
  {
    id: "run.memlock",
    look(facts) {
      const limit = /^Max locked memory\s+(\S+)/m.exec(facts.host.readText("/proc/self/limits") ?? "")?.[1];
      // since Linux 5.11 maps are charged to the control group
      if (limit === undefined || facts.isKernelAtLeast(5, 11) !== false) return SILENT;
      const seen = { "max locked memory": limit };
      if (limit === "unlimited" || Number(limit) >= MEMLOCK_BYTES) return fine("enough memory can be locked", seen);
      return told("critical", {
        title: `only ${formatBytes(Number(limit))} of memory can be locked`,
        seen,
        why: "Before Linux 5.11 maps and programs count as locked memory.",
        remedy: ["ulimit -l unlimited   # systemd: LimitMEMLOCK=infinity"],
      });
    },
  },
  {
    id: "run.tracefs",
    look: (facts) =>
      need(facts, ({ tracefs }) => tracefs, "tracefs is mounted", {
        result: "warning",
        title: "tracefs is not mounted",
        why: "Probes on classic tracepoints (probe fib) look them up there; the others do without.",
        remedy: ["mount -t tracefs tracefs /sys/kernel/tracing"],
      }),
  },
  {
    id: "run.lockdown",
    look(facts) {
      const mode = /\[(\w+)\]/.exec(facts.host.readText("/sys/kernel/security/lockdown") ?? "")?.[1];
      if (mode === undefined || mode === "none" || mode === "integrity") return SILENT;
      return told("critical", {
        title: `the kernel is locked down (${mode})`,
        seen: { lockdown: mode },
        why: "In this mode probes may not read the kernel's memory.",
        remedy: ["boot without lockdown=confidentiality"],
      });
    },
  },
  {
    id: "run.store",
    look: (facts) =>
      need(facts, ({ betterSqlite3 }) => betterSqlite3, "better-sqlite3", {
        result: "warning",
        title: "better-sqlite3 is not installed, or not built for this Node",
        why: "record, query and diff keep and read what was seen in SQLite; all else does without.",
        remedy: ["npm install better-sqlite3; npm rebuild better-sqlite3"],
      }),
  },
];

type Support = NonNullable<ReturnType<typeof readBpfSupport>>;
type Lack = Omit<Verdict, "result" | "seen"> & { result?: "warning" | "critical" };

function need(facts: HostFacts, has: (support: Support) => boolean, title: string, lack: Lack): readonly Verdict[] {
  const support = readBpfSupport(facts.host);
  if (support === null) return SILENT;
  if (has(support)) return fine(title);
  const { result = "critical", ...verdict } = lack;
  return told(result, { ...verdict, seen: {} });
}
