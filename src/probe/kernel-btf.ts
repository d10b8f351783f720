import { existsSync, readFileSync } from "node:fs";
import { Btf } from "./btf.ts";
import { ProbeError } from "./probe-error.ts";

/** Where a kernel built with CONFIG_DEBUG_INFO_BTF shows its types. */
const VMLINUX_BTF = "/sys/kernel/btf/vmlinux";

/** Kept as long as there is memory to spare: several MB that are needed while a probe is opened only. */
let read: WeakRef<Btf> | null = null;

/**
 * The running kernel's types.
 *
 * @throws ProbeError where the kernel has none
 */
export function kernelBtf(): Btf {
  const kept = read?.deref();
  if (kept !== undefined) return kept;
  if (!existsSync(VMLINUX_BTF)) {
    throw new ProbeError(
      `the kernel has no BTF (${VMLINUX_BTF}); boot one built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are`,
    );
  }
  const btf = new Btf(readFileSync(VMLINUX_BTF));
  read = new WeakRef(btf);
  return btf;
}
