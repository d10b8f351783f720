import { createRequire } from "node:module";

export type Koffi = typeof import("koffi");

let koffi: Koffi | null | undefined;

/** The foreign-function library, an optional dependency; null where it is not installed or not built for this machine. */
export function loadKoffi(): Koffi | null {
  if (koffi === undefined) {
    try {
      koffi = createRequire(import.meta.url)("koffi") as Koffi;
    } catch {
      koffi = null;
    }
  }
  return koffi;
}
