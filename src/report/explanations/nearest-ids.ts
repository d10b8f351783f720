import { EXPLANATIONS } from "./explanations.ts";

/** Ids that share a family or a last word with what was typed: at most four. */
export function nearestIds(typed: string): string[] {
  const ids = Object.keys(EXPLANATIONS);
  const name = typed.split(".").at(-1) ?? "";
  const sameName = ids.filter((id) => name !== "" && (id.split(".")[1] ?? "").includes(name));
  const sameFamily = ids.filter((id) => id.startsWith(`${typed.split(".")[0]}.`));
  return [...new Set([...sameName, ...sameFamily])].slice(0, 4);
}
