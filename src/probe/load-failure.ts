import type { BpfFailure } from "./bpf-object.ts";
import { compareReleases } from "./host-check.ts";
import { ProbeError } from "./probe-error.ts";

const EPERM = 1;
const ENOENT = 2;
const ENOMEM = 12;
const EACCES = 13;

/** What is known of the host when the kernel has refused. */
export interface Circumstances {
  /** As uname gives it. */
  release: string;
  /** /sys/kernel/security/lockdown: `none [integrity] confidentiality`; null where there is none. */
  lockdown: string | null;
  /** Whether the process is in a user namespace of its own, as in most containers without privileges. */
  inUserNamespace: boolean;
}

/** Turns the kernel's refusal into one line that says what is missing and how to get it. */
export function explainFailure(probe: string, failure: BpfFailure, host: Circumstances): ProbeError {
  return new ProbeError(`${probe}: ${reason(failure, host)}`, failure.log);
}

function reason({ errno, program, log, message }: BpfFailure, host: Circumstances): string {
  const text = log.join("\n");
  const verdict = verifierVerdict(log);
  if (verdict !== null && program !== null && errno !== EPERM) {
    return `the kernel's verifier refused ${program}: ${verdict} (--debug shows its log; please report it with uname -r)`;
  }
  if (errno === EPERM || errno === EACCES) {
    if (host.inUserNamespace) return "the kernel lets no user namespace load probes; run outside the container";
    if (host.lockdown?.includes("[confidentiality]") === true) {
      return "the kernel is locked down (lockdown=confidentiality); boot with lockdown=integrity or none";
    }
    // memory of maps counts against the memory cgroup only from 5.11 on
    if (compareReleases(host.release, "5.11") < 0 && /map/.test(text)) {
      return "locked memory is limited (RLIMIT_MEMLOCK); ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit";
    }
    return "the kernel does not permit it (EPERM); run as root, outside containers or with CAP_BPF and CAP_PERFMON";
  }
  if (errno === ENOMEM) return "the kernel has no memory for its maps; raise the cgroup's memory limit";
  if (errno === ENOENT && /kernel BTF|vmlinux/.test(text)) {
    return "the kernel's BTF lacks a type it needs; boot a distribution's kernel with CONFIG_DEBUG_INFO_BTF=y";
  }
  const last = log.at(-1)?.replace(/^libbpf: /, "");
  return `${message}: ${last ?? `errno ${errno}`} (--debug shows more)`;
}

/** The sentence that a verifier's log ends with, before its statistics. */
function verifierVerdict(log: readonly string[]): string | null {
  const begin = log.findIndex((line) => line.includes("BEGIN PROG LOAD LOG"));
  if (begin === -1) return null;
  const lines = log.slice(begin).join("\n").split("\n");
  const end = lines.findIndex((line) => /^processed \d+ insns|END PROG LOAD LOG/.test(line));
  const verdict = lines[(end === -1 ? lines.length : end) - 1]?.trim();
  return verdict === undefined || verdict === "" || verdict.includes("BEGIN PROG LOAD LOG") ? null : verdict;
}
