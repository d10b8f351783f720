/** Names beyond this many edits are not meant, whatever was typed. */
const MOST_EDITS = 4;

/** `; did you mean a or b?`, or all of them where none is near: the end of a sentence about a wrong name. */
export function suggestion(wrong: string, names: readonly string[]): string {
  const near = nearestNames(wrong, names);
  if (near.length > 0) return `; did you mean ${near.join(" or ")}?`;
  if (names.length === 0) return "";
  const shown = names.slice(0, 12);
  return `; there are ${shown.join(", ")}${names.length > shown.length ? ", …" : ""}`;
}

/** The three names at most that are nearest to what was typed, the nearest first; none where all are far. */
export function nearestNames(wrong: string, names: readonly string[]): string[] {
  const typed = wrong.toLowerCase();
  const most = Math.max(1, Math.min(MOST_EDITS, Math.floor(typed.length / 2)));
  return names
    .map((name) => {
      const lower = name.toLowerCase();
      const isPart = typed.length >= 3 && (lower.includes(typed) || typed.includes(lower));
      return { name, edits: isPart ? 1 : editDistance(typed, lower) };
    })
    .filter(({ edits }) => edits <= most)
    .sort((a, b) => a.edits - b.edits || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Letters to insert, leave out or replace to make one text of the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
