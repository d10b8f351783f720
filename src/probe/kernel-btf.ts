import { existsSync, readFileSync } from "node:fs";
import { Btf } from "./btf.ts";
import { ProbeError } from "./probe-error.ts";

/** Where a kernel built with CONFIG_DEBUG_INFO_BTF shows its types. */
const VMLINUX_BTF = "/sys/kernel/btf/vmlinux";

let read: Btf | null = null;

/**
 * The running kernel's types, read once.
 *
 * @throws ProbeError where the kernel has none
 */
export function kernelBtf(): Btf {
  if (read !== null) return read;
  if (!existsSync(VMLINUX_BTF)) {
    throw new ProbeError(
      `the kernel has no BTF (${VMLINUX_BTF}); boot one built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are`,
    );
  }
  read = new Btf(readFileSync(VMLINUX_BTF));
  return read;
}
