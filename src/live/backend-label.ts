import type { Case } from "../diagnose/case.ts";
import type { Connection } from "../path/connection.ts";

/** Stands for the backend where nothing shows it. */
export const UNKNOWN_BACKEND = "(unknown)";

export function backendLabel(subject: Case, { backend }: Connection): string {
  return backend === null ? UNKNOWN_BACKEND : subject.text(backend);
}
