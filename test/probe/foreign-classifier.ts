import { createRequire } from "node:module";
import { loadNative } from "../../src/probe/native.ts";

const BPF_PROG_TYPE_SCHED_CLS = 3;
export const TC_ACT_OK = 0;
export const TC_ACT_SHOT = 2;
export const TC_ACT_UNSPEC = -1;

/** Someone else's classifier on an interface's ingress: a program of two instructions, which gives one verdict. */
export class ForeignClassifier {
  private readonly hook: Uint8Array;
  private readonly handle: number;
  private readonly priority: number;
  readonly programFd: number;

  constructor(
    ifindex: number,
    { verdict, priority, handle = 1 }: { verdict: number; priority: number; handle?: number },
  ) {
    const { bpf } = loadNative();
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    const load = koffi
      .load("libbpf.so.1")
      .func("int bpf_prog_load(int, const char *, const char *, void *, size_t, void *)");
    const instructions = Buffer.alloc(16);
    // r0 = verdict; exit
    instructions[0] = 0xb7;
    instructions.writeInt32LE(verdict, 4);
    instructions[8] = 0x95;
    this.programFd = load(BPF_PROG_TYPE_SCHED_CLS, "someone_elses", "GPL", instructions, 2n, null);
    this.hook = structOf(24, [8, ifindex], [12, 1]);
    this.handle = handle;
    this.priority = priority;
    bpf.tcHookCreate(structOf(24, [8, ifindex], [12, 3]));
    const result = bpf.tcAttach(this.hook, structOf(32, [8, this.programFd], [20, handle], [24, priority]));
    if (result < 0) throw new Error(`the foreign classifier cannot be attached: ${result}`);
  }

  detach(): void {
    loadNative().bpf.tcDetach(this.hook, structOf(32, [20, this.handle], [24, this.priority]));
  }
}

/** A libbpf options struct: its size, and some 32-bit fields by offset. */
function structOf(size: number, ...fields: readonly (readonly [offset: number, value: number])[]): Uint8Array {
  const bytes = Buffer.alloc(size);
  bytes.writeBigUInt64LE(BigInt(size), 0);
  for (const [offset, value] of fields) bytes.writeInt32LE(value, offset);
  return bytes;
}
