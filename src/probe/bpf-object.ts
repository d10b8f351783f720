import { BpfMap } from "./bpf-map.ts";
import { Btf } from "./btf.ts";
import { loadNative, type Native, type Pointer } from "./native.ts";
import { ProbeError } from "./probe-error.ts";

/** The kernel refused: what libbpf was doing, its errno and everything it said. */
export class BpfFailure extends ProbeError {
  override readonly name = "BpfFailure";
  readonly errno: number;
  /** The program that it is about, where one is known. */
  readonly program: string | null;

  constructor(message: string, errno: number, program: string | null, log: readonly string[]) {
    super(message, log);
    this.errno = errno;
    this.program = program;
  }
}

/**
 * One object file in libbpf's hands: opened, set up, loaded, attached, closed, in this order. Everything it holds is
 * bound to file descriptors of this process, and goes when the process goes, however that happens.
 */
export class BpfObject {
  readonly native: Native;
  private readonly path: string;
  private object: bigint;
  private isClosed = false;
  private readonly programs = new Map<string, bigint>();
  private readonly maps = new Map<string, bigint>();
  private readonly links: bigint[] = [];

  /** @throws BpfFailure where the file cannot be read as an object */
  constructor(path: string) {
    this.native = loadNative();
    this.path = path;
    const { bpf } = this.native;
    this.native.takeLog();
    const object = bpf.objectOpen(path, null);
    if (object === null) {
      throw new BpfFailure(`${path}: cannot be opened`, this.native.errno(), null, this.native.takeLog());
    }
    this.object = object;
    for (let at = bpf.nextProgram(object, null); at !== null; at = bpf.nextProgram(object, at)) {
      this.programs.set(bpf.programName(at), at);
    }
    for (let at = bpf.nextMap(object, null); at !== null; at = bpf.nextMap(object, at)) {
      this.maps.set(bpf.mapName(at), at);
    }
  }

  get programNames(): string[] {
    return [...this.programs.keys()];
  }

  /**
   * Sets `const volatile` variables, before loading. The verifier takes them for constants and removes what they make
   * unreachable.
   *
   * @param values by name; a number is written in the variable's size, bytes as they are
   */
  setConstants(values: Readonly<Record<string, number | Uint8Array>>): void {
    const { bpf, view } = this.native;
    const map = [...this.maps].find(([name]) => name.endsWith(".rodata"))?.[1];
    if (map === undefined) throw new ProbeError(`${this.path}: has no constants to set`);
    const size = new BigUint64Array(1);
    const address = bpf.mapInitialValue(map, size);
    if (address === null) throw new ProbeError(`${this.path}: its constants cannot be set`);
    const bytes = view(address, Number(size[0]));
    const variables = new Map(
      this.btf()
        .sectionVariables(".rodata")
        .map((each) => [each.name, each]),
    );
    for (const [name, value] of Object.entries(values)) {
      const variable = variables.get(name);
      if (variable === undefined) throw new ProbeError(`${this.path}: has no constant ${name}`);
      const target = new Uint8Array(bytes, variable.offsetBytes, variable.sizeBytes);
      if (typeof value === "number") target.set(littleOrBigEndian(value, variable.sizeBytes));
      else if (value.length <= target.length) target.set(value);
      else throw new ProbeError(`${this.path}: ${name} has ${target.length} bytes, not ${value.length}`);
    }
  }

  setMaxEntries(map: string, count: number): void {
    const result = this.native.bpf.mapSetMaxEntries(this.mapPointer(map), count);
    if (result < 0) throw new BpfFailure(`map ${map} cannot have ${count} entries`, -result, null, []);
  }

  setAutoload(program: string, autoload: boolean): void {
    this.native.bpf.programSetAutoload(this.program(program), autoload);
  }

  /** @throws BpfFailure; the object is closed then, and nothing else of it may be called */
  load(): void {
    this.native.takeLog();
    const result = this.native.bpf.objectLoad(this.object);
    if (result >= 0) return;
    const log = this.native.takeLog();
    this.close();
    const [, program = null] = /prog '([^']+)': (?:BPF program load failed|failed to load)/.exec(log.join("\n")) ?? [];
    throw new BpfFailure(`${this.path}: cannot be loaded`, -result, program, log);
  }

  /** Attaches a loaded program where its section says, until close(). */
  attach(program: string): void {
    this.native.takeLog();
    const link = this.native.bpf.programAttach(this.program(program));
    if (link === null) {
      const errno = this.native.errno();
      throw new BpfFailure(`${program}: cannot be attached`, errno, program, this.native.takeLog());
    }
    this.links.push(link);
  }

  /** Takes all programs off their hooks; maps stay readable. */
  detach(): void {
    for (const link of this.links.splice(0)) this.native.bpf.linkDestroy(link);
  }

  /** A loaded program's file descriptor. */
  programFd(program: string): number {
    return this.native.bpf.programFd(this.program(program));
  }

  map(name: string): BpfMap {
    return new BpfMap(this.native, this.mapPointer(name));
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.detach();
    this.native.bpf.objectClose(this.object);
    this.programs.clear();
    this.maps.clear();
  }

  /** libbpf puts the variables' offsets in when it opens the object. */
  private btf(): Btf {
    const { bpf, view } = this.native;
    const btf: Pointer = bpf.objectBtf(this.object);
    const size = new Uint32Array(1);
    const raw = btf === null ? null : bpf.btfRawData(btf, size);
    if (raw === null) throw new ProbeError(`${this.path}: has no BTF`);
    // a copy: libbpf may move it
    return new Btf(new Uint8Array(view(raw, size[0] ?? 0)).slice());
  }

  private program(name: string): bigint {
    const program = this.programs.get(name);
    if (program === undefined) throw new ProbeError(`${this.path}: has no program ${name}${this.closedNote()}`);
    return program;
  }

  private mapPointer(name: string): bigint {
    const map = this.maps.get(name);
    if (map === undefined) throw new ProbeError(`${this.path}: has no map ${name}${this.closedNote()}`);
    return map;
  }

  private closedNote(): string {
    return this.isClosed ? ", being closed" : "";
  }
}

/** A number as C has it in memory here; BPF programs are compiled for the host's byte order. */
function littleOrBigEndian(value: number, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(new BigUint64Array([BigInt(value)]).buffer);
  const isLittle = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  return isLittle ? bytes.subarray(0, sizeBytes) : bytes.subarray(8 - sizeBytes);
}
