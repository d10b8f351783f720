import { FlowTap } from "../../src/probe/flow-tap.ts";
import { giveTapLock, takeTapLock } from "./tap-lock.ts";

/** Whether the flow tap can be attached here; for `requires`. */
export function canTap(): boolean | string {
  takeTapLock();
  try {
    new FlowTap({ interfaces: ["lo"] }).close();
    return true;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    giveTapLock();
  }
}
