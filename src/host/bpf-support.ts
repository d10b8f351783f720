import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { z } from "zod";
import type { Host } from "./host.ts";
import { loadKoffi } from "./koffi.ts";
import { openLibc } from "./libc.ts";
import { fromJson } from "./links.ts";

/** What there is on a host to load and run probes with, tried, not guessed. */
export interface BpfSupport {
  /** The kernel's own types are there for programs to be fitted to. */
  btf: boolean;
  koffi: boolean;
  /** `v1.1`; null where libbpf.so.1 cannot be loaded. */
  libbpf: string | null;
  /** 0 where a ring buffer could be made, else errno; null where it could not be tried. */
  ringBufferErrno: number | null;
  /** tracefs is mounted. */
  tracefs: boolean;
  betterSqlite3: boolean;
}

const supportSchema = z.object({
  btf: z.boolean(),
  koffi: z.boolean(),
  libbpf: z.string().nullable(),
  ringBufferErrno: z.number().nullable(),
  tracefs: z.boolean(),
  betterSqlite3: z.boolean(),
});

/** enum bpf_map_type of linux/bpf.h. */
const RINGBUF = 27;
/** A multiple of the page size, which is 64 KiB on some machines. */
const RING_BYTES = 65_536;

/** Null where a folder does not tell. */
export function readBpfSupport(host: Host): BpfSupport | null {
  const told = host.fact("bpf-support.json", () => JSON.stringify(supportHere(), null, 1));
  return supportSchema.safeParse(fromJson(told ?? "null")).data ?? null;
}

function supportHere(): BpfSupport {
  return {
    btf: existsSync("/sys/kernel/btf/vmlinux"),
    koffi: loadKoffi() !== null,
    ...libbpfHere(),
    tracefs: / tracefs /.test(readFileSync("/proc/self/mounts", "utf8")),
    betterSqlite3: canOpenStore(),
  };
}

function libbpfHere(): Pick<BpfSupport, "libbpf" | "ringBufferErrno"> {
  const ffi = loadKoffi();
  try {
    const library = ffi?.load("libbpf.so.1");
    if (library === undefined) return { libbpf: null, ringBufferErrno: null };
    const create = library.func("int bpf_map_create(int, const char *, uint, uint, uint, const void *)");
    const fd: number = create(RINGBUF, "l4scope_try", 0, 0, RING_BYTES, null);
    if (fd >= 0) openLibc()?.close(fd);
    const version = library.func("const char *libbpf_version_string()");
    // libbpf answers with the negative errno
    return { libbpf: String(version()), ringBufferErrno: fd >= 0 ? 0 : -fd };
  } catch {
    return { libbpf: null, ringBufferErrno: null };
  }
}

function canOpenStore(): boolean {
  try {
    const Database = createRequire(import.meta.url)("better-sqlite3") as new (path: string) => { close(): void };
    new Database(":memory:").close();
    return true;
  } catch {
    return false;
  }
}
