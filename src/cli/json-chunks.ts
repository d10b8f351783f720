/**
 * The text of `JSON.stringify(value, null, 2)` in pieces: one for each member of the top level, and of an array there
 * one for each of its elements. A list of a million connections does not fit in one JavaScript string (512 MiB).
 *
 * @param value A JSON value: what JSON.stringify would leave out of an object is left out here too.
 */
export function* jsonChunks(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    yield* arrayChunks(value, 0);
    return;
  }
  if (typeof value !== "object" || value === null || "toJSON" in value) {
    yield JSON.stringify(value, null, 2);
    return;
  }
  let isFirst = true;
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined || typeof member === "function" || typeof member === "symbol") continue;
    yield `${isFirst ? "{" : ","}\n  ${JSON.stringify(key)}: `;
    isFirst = false;
    if (Array.isArray(member)) yield* arrayChunks(member, 2);
    else yield indented(member, 2);
  }
  yield isFirst ? "{}" : "\n}";
}

function* arrayChunks(elements: readonly unknown[], depth: number): Generator<string> {
  if (elements.length === 0) {
    yield "[]";
    return;
  }
  const margin = " ".repeat(depth);
  let opening = "[";
  for (const element of elements) {
    yield `${opening}\n${margin}  ${indented(element, depth + 2)}`;
    opening = ",";
  }
  yield `\n${margin}]`;
}

/** Line breaks in JSON text are only ever layout: those in strings are escaped. */
function indented(value: unknown, depth: number): string {
  return (JSON.stringify(value, null, 2) ?? "null").replaceAll("\n", `\n${" ".repeat(depth)}`);
}
