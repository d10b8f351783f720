import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LOCK = join(tmpdir(), "l4scope-tap-tests.lock");
let held = 0;

/** One test file at a time puts taps on interfaces: each tap that starts takes away what another's kill left behind. */
export function takeTapLock(): void {
  if (held++ > 0) return;
  for (;;) {
    try {
      mkdirSync(LOCK);
      writeFileSync(join(LOCK, "pid"), String(process.pid));
      return;
    } catch {
      const pid = existsSync(join(LOCK, "pid")) ? readFileSync(join(LOCK, "pid"), "utf8") : "";
      if (pid !== "" && !existsSync(`/proc/${pid}`)) rmSync(LOCK, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
}

export function giveTapLock(): void {
  if (--held === 0) rmSync(LOCK, { recursive: true, force: true });
}
