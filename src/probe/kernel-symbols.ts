import { readFileSync } from "node:fs";
import { ProbeError } from "./probe-error.ts";

/** Text symbols, in the order of their addresses. */
export class KernelSymbols {
  private readonly addresses: BigUint64Array;
  private readonly names: readonly string[];

  /** @param text lines of /proc/kallsyms: address, type, name, module */
  constructor(text: string) {
    const found: { address: bigint; name: string }[] = [];
    for (const line of text.split("\n")) {
      const [, address, name] = /^([\da-f]+) [tTwW] (\S+)/.exec(line) ?? [];
      if (address !== undefined && name !== undefined) found.push({ address: BigInt(`0x${address}`), name });
    }
    found.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    this.addresses = BigUint64Array.from(found, ({ address }) => address);
    this.names = found.map(({ name }) => name);
  }

  /** The function that an address lies in and the bytes into it, or null below the first. */
  resolve(address: bigint): { name: string; offsetBytes: number } | null {
    let low = 0;
    let high = this.addresses.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.addresses[middle] ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    const name = this.names[low - 1];
    const start = this.addresses[low - 1];
    return name === undefined || start === undefined ? null : { name, offsetBytes: Number(address - start) };
  }

  /** Whether there is a function of that name: a kprobe can be put there. */
  has(name: string): boolean {
    return this.names.includes(name);
  }

  /** All addresses are 0 to who may not see them (kernel.kptr_restrict). */
  get areHidden(): boolean {
    return (this.addresses.at(-1) ?? 0n) === 0n;
  }
}

let read: KernelSymbols | null = null;

/**
 * The running kernel's functions, read once: some 100 ms and 20 MB.
 *
 * @throws ProbeError where addresses are hidden
 */
export function kernelSymbols(): KernelSymbols {
  read ??= new KernelSymbols(readFileSync("/proc/kallsyms", "latin1"));
  if (read.areHidden) {
    throw new ProbeError("kernel addresses are hidden; run as root, or sysctl kernel.kptr_restrict=1 and CAP_SYSLOG");
  }
  return read;
}
