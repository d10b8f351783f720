import { type Koffi, loadKoffi } from "../host/koffi.ts";
import { ProbeError } from "./probe-error.ts";

/** A C address; null is NULL. */
export type Pointer = bigint | null;

/** The system's C library and libbpf, as far as probes call them. Sizes are bytes; ints below 0 are `-errno`. */
export interface Native {
  /** Memory at an address as an ArrayBuffer. It must not be touched after the memory is unmapped. */
  view(address: bigint, lengthBytes: number): ArrayBuffer;
  /** errno of the last call, by number. */
  errno(): number;
  pageBytes(): number;
  /** Takes and empties what libbpf has logged. */
  takeLog(): string[];
  endLog(): void;
  libc: {
    mmap(address: bigint | null, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
    munmap(address: bigint, length: number): number;
    /** Null where the calling thread's network namespace has no interface of that number. */
    ifIndexToName(index: number, name: Uint8Array): string | null;
  };
  bpf: Libbpf;
}

/** https://libbpf.readthedocs.io/en/latest/api.html */
export interface Libbpf {
  objectOpen(path: string, options: null): Pointer;
  objectLoad(object: bigint): number;
  objectClose(object: bigint): void;
  objectBtf(object: bigint): Pointer;
  nextProgram(object: bigint, previous: Pointer): Pointer;
  nextMap(object: bigint, previous: Pointer): Pointer;
  btfRawData(btf: bigint, size: Uint32Array): Pointer;
  programName(program: bigint): string;
  programFd(program: bigint): number;
  programSetAutoload(program: bigint, autoload: boolean): number;
  programAttach(program: bigint): Pointer;
  linkDestroy(link: bigint): number;
  mapName(map: bigint): string;
  mapFd(map: bigint): number;
  mapKeySize(map: bigint): number;
  mapValueSize(map: bigint): number;
  mapType(map: bigint): number;
  mapMaxEntries(map: bigint): number;
  mapSetMaxEntries(map: bigint, count: number): number;
  mapInitialValue(map: bigint, size: BigUint64Array): Pointer;
  mapLookup(fd: number, key: Uint8Array, value: Uint8Array): number;
  mapUpdate(fd: number, key: Uint8Array, value: Uint8Array, flags: number): number;
  mapDelete(fd: number, key: Uint8Array): number;
  mapLookupBatch(
    fd: number,
    inBatch: Uint8Array | null,
    outBatch: Uint8Array,
    keys: Uint8Array,
    values: Uint8Array,
    count: Uint32Array,
    options: null,
  ): number;
  infoByFd(fd: number, info: Uint8Array, length: Uint32Array): number;
  possibleCpus(): number;
  tcHookCreate(hook: Uint8Array): number;
  tcHookDestroy(hook: Uint8Array): number;
  tcAttach(hook: Uint8Array, options: Uint8Array): number;
  tcDetach(hook: Uint8Array, options: Uint8Array): number;
  tcQuery(hook: Uint8Array, options: Uint8Array): number;
}

let loaded: Native | null = null;
let isLogEnded = false;

/**
 * Loads koffi and the system's libbpf, once, when the first probe is opened: nothing else of l4scope needs them.
 *
 * @throws ProbeError where either is not installed.
 */
export function loadNative(): Native {
  loaded ??= load();
  return loaded;
}

/**
 * Makes libbpf log nothing any more, in all threads. Its log has one taker for the whole process, the thread that came last,
 * and any other one that logs waits for that thread's event loop: a process that ends waits for its threads, and would wait
 * for ever.
 *
 * @throws ProbeError where libbpf is not installed.
 */
export function endLog(): void {
  isLogEnded = true;
  loadNative().endLog();
}

function load(): Native {
  const koffi = requireKoffi();
  const libc = openLibrary(koffi, ["libc.so.6", "libc.so"], "the C library");
  const library = openLibrary(koffi, ["libbpf.so.1"], "libbpf 1");
  const setPrint = library.func("void *libbpf_set_print(void *)");
  const log = isLogEnded ? [] : captureLog(koffi, setPrint, libc);
  const f = (definition: string) => library.func(definition) as unknown;
  return {
    view: (address, length) => koffi.view(address, length),
    errno: () => koffi.errno(),
    pageBytes: libc.func("int getpagesize()") as unknown as Native["pageBytes"],
    takeLog: () => log.splice(0),
    endLog: () => void setPrint(null),
    libc: {
      mmap: libc.func("size_t mmap(void *, size_t, int, int, int, long)") as unknown as Native["libc"]["mmap"],
      munmap: libc.func("int munmap(void *, size_t)") as unknown as Native["libc"]["munmap"],
      ifIndexToName: libc.func(
        "const char *if_indextoname(unsigned int, void *)",
      ) as unknown as Native["libc"]["ifIndexToName"],
    },
    bpf: {
      objectOpen: f("void *bpf_object__open_file(const char *, void *)") as Libbpf["objectOpen"],
      objectLoad: f("int bpf_object__load(void *)") as Libbpf["objectLoad"],
      objectClose: f("void bpf_object__close(void *)") as Libbpf["objectClose"],
      objectBtf: f("void *bpf_object__btf(void *)") as Libbpf["objectBtf"],
      nextProgram: f("void *bpf_object__next_program(void *, void *)") as Libbpf["nextProgram"],
      nextMap: f("void *bpf_object__next_map(void *, void *)") as Libbpf["nextMap"],
      btfRawData: f("void *btf__raw_data(void *, uint32_t *)") as Libbpf["btfRawData"],
      programName: f("const char *bpf_program__name(void *)") as Libbpf["programName"],
      programFd: f("int bpf_program__fd(void *)") as Libbpf["programFd"],
      programSetAutoload: f("int bpf_program__set_autoload(void *, bool)") as Libbpf["programSetAutoload"],
      programAttach: f("void *bpf_program__attach(void *)") as Libbpf["programAttach"],
      linkDestroy: f("int bpf_link__destroy(void *)") as Libbpf["linkDestroy"],
      mapName: f("const char *bpf_map__name(void *)") as Libbpf["mapName"],
      mapFd: f("int bpf_map__fd(void *)") as Libbpf["mapFd"],
      mapKeySize: f("uint32_t bpf_map__key_size(void *)") as Libbpf["mapKeySize"],
      mapValueSize: f("uint32_t bpf_map__value_size(void *)") as Libbpf["mapValueSize"],
      mapType: f("int bpf_map__type(void *)") as Libbpf["mapType"],
      mapMaxEntries: f("uint32_t bpf_map__max_entries(void *)") as Libbpf["mapMaxEntries"],
      mapSetMaxEntries: f("int bpf_map__set_max_entries(void *, uint32_t)") as Libbpf["mapSetMaxEntries"],
      mapInitialValue: f("void *bpf_map__initial_value(void *, uint64_t *)") as Libbpf["mapInitialValue"],
      mapLookup: f("int bpf_map_lookup_elem(int, void *, void *)") as Libbpf["mapLookup"],
      mapUpdate: f("int bpf_map_update_elem(int, void *, void *, uint64_t)") as Libbpf["mapUpdate"],
      mapDelete: f("int bpf_map_delete_elem(int, void *)") as Libbpf["mapDelete"],
      mapLookupBatch: f(
        "int bpf_map_lookup_batch(int, void *, void *, void *, void *, uint32_t *, void *)",
      ) as Libbpf["mapLookupBatch"],
      infoByFd: f("int bpf_obj_get_info_by_fd(int, void *, uint32_t *)") as Libbpf["infoByFd"],
      possibleCpus: f("int libbpf_num_possible_cpus()") as Libbpf["possibleCpus"],
      tcHookCreate: f("int bpf_tc_hook_create(void *)") as Libbpf["tcHookCreate"],
      tcHookDestroy: f("int bpf_tc_hook_destroy(void *)") as Libbpf["tcHookDestroy"],
      tcAttach: f("int bpf_tc_attach(void *, void *)") as Libbpf["tcAttach"],
      tcDetach: f("int bpf_tc_detach(void *, void *)") as Libbpf["tcDetach"],
      tcQuery: f("int bpf_tc_query(void *, void *)") as Libbpf["tcQuery"],
    },
  };
}

function requireKoffi(): Koffi {
  const koffi = loadKoffi();
  if (koffi === null)
    throw new ProbeError("probes need the optional package koffi; npm install koffi, without --omit=optional");
  return koffi;
}

function openLibrary(koffi: Koffi, names: readonly string[], what: string) {
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch {
      // under the next name, perhaps
    }
  }
  const remedy = what === "libbpf 1" ? "install the package libbpf1 (Debian, Ubuntu) or libbpf (Fedora, Arch)" : "";
  throw new ProbeError(`probes need ${what} (${names.join(", ")}); ${remedy || "use a Linux with one"}`);
}

/** What is kept of a message: a verifier's log has megabytes, which begin with whose it is and end with the verdict. */
const LOG_HEAD_BYTES = 256;
const LOG_TAIL_BYTES = 8192;
const MAX_LOG_MESSAGES = 20_000;

/** libbpf prints to stderr unless told otherwise, across a dashboard if need be. */
function captureLog(koffi: Koffi, setPrint: (callback: unknown) => unknown, libc: ReturnType<Koffi["load"]>): string[] {
  const log: string[] = [];
  const made = new BigUint64Array(1);
  // a va_list is a pointer in calls on x86-64, arm64 and riscv64 alike
  const format = libc.func("int vasprintf(void *, void *, void *)");
  const free = libc.func("void free(size_t)");
  const Print = koffi.proto("int L4scopeLibbpfPrint(int level, void *format, void *arguments)");
  const print = (_level: number, pattern: bigint, args: bigint): number => {
    if (log.length >= MAX_LOG_MESSAGES) return 0;
    const length = Number(format(made, pattern, args));
    const [address = 0n] = made;
    if (length < 0 || address === 0n) return 0;
    const text = (from: number, to: number) =>
      to > from ? Buffer.from(koffi.view(address + BigInt(from), to - from)).toString("utf8") : "";
    const message =
      length <= LOG_HEAD_BYTES + LOG_TAIL_BYTES
        ? text(0, length)
        : `${text(0, LOG_HEAD_BYTES)}\n[...]\n${text(length - LOG_TAIL_BYTES, length)}`;
    free(address);
    if (message !== "") log.push(message.trimEnd());
    return 0;
  };
  // kept for the life of the process, as is the library
  setPrint(koffi.register(print, koffi.pointer(Print)));
  return log;
}
