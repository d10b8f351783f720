import { isBuiltin } from "node:module";
import type { Import, Tree } from "./imports.ts";
import { COMMANDS_MAY_IMPORT, LIGHT_FOR_COMMANDS, PROBES_MAY_IMPORT, ROOMS } from "./rooms.ts";

const COMMAND_BASE = "commands/base.ts";

/** `flow` of src/flow/table.ts; `commands`, `probes`; null for what lies in none. */
function roomOf(path: string): string | null {
  const [top, room, ...rest] = path.split("/");
  if (top === "src") return rest.length > 0 ? (room ?? null) : null;
  return top === "commands" || top === "probes" ? top : null;
}

/** Every import that the table of rooms does not allow, a sentence each. */
export function wrongArrows(tree: Tree): string[] {
  const wrong: string[] = [];
  for (const [path, { imports }] of tree) {
    const room = roomOf(path);
    if (room === null || !(room in ROOMS || room === "commands" || room === "probes")) {
      wrong.push(`${path}: lies in no room that test/structure/rooms.ts knows; say there what it may import`);
      continue;
    }
    for (const found of imports) {
      const why = whyNot(path, room, found);
      if (why !== null) wrong.push(`${path}:${found.line} imports ${found.target}: ${why}`);
    }
  }
  return wrong;
}

function whyNot(path: string, room: string, { target, isRelative }: Import): string | null {
  if (!isRelative) return null;
  const other = roomOf(target);
  if (room === "commands") {
    if (target === COMMAND_BASE || (other !== null && COMMANDS_MAY_IMPORT.includes(other))) return null;
    return "a command imports the base command and src, nothing else";
  }
  if (other === room && (room !== "probes" || path.split("/")[1] === target.split("/")[1])) return null;
  const allowed = room === "probes" ? PROBES_MAY_IMPORT : (ROOMS[room]?.mayImport ?? []);
  if (other !== null && allowed.includes(other)) return null;
  const does = ROOMS[room]?.does ?? "a probe's own code";
  return `${room} (${does}) may import ${allowed.length === 0 ? "no other room" : allowed.join(", ")}`;
}

/** Every ring of files that import one another, types included: `a.ts -> b.ts -> a.ts`. */
export function cycles(tree: Tree): string[] {
  const rings: string[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const walk = (path: string): void => {
    const start = way.indexOf(path);
    if (start !== -1) rings.push([...way.slice(start), path].join(" -> "));
    if (start !== -1 || done.has(path)) return;
    way.push(path);
    for (const { target, isRelative } of tree.get(path)?.imports ?? []) if (isRelative) walk(target);
    way.pop();
    done.add(path);
  };
  for (const path of tree.keys()) walk(path);
  return rings;
}

/** Every use of files, processes, timers, clock or chance in a pure room, its own or through what it imports. */
export function impureRooms(tree: Tree): string[] {
  const wrong: string[] = [];
  for (const [path, { impurities }] of tree) {
    if (ROOMS[roomOf(path) ?? ""]?.isPure !== true) continue;
    for (const { what, line } of impurities) wrong.push(`${path}:${line} uses ${what}: hand it in instead`);
    for (const way of waysOut(tree, path)) {
      if (isBuiltin(way.at(-1) ?? "")) wrong.push(`${way.join(" -> ")}: a pure room reaches a module of Node`);
    }
  }
  return wrong;
}

/** Every command that loads more than the command line's frame before it is run. */
export function heavyCommands(tree: Tree): string[] {
  const wrong: string[] = [];
  for (const path of tree.keys()) {
    if (roomOf(path) !== "commands") continue;
    for (const { target, isRelative, kind, line } of tree.get(path)?.imports ?? []) {
      if (kind !== "static" || isLightForCommands(target, isRelative)) continue;
      wrong.push(`${path}:${line} loads ${target} before it runs: use import type, or await import() in run()`);
    }
  }
  return wrong;
}

function isLightForCommands(target: string, isRelative: boolean): boolean {
  if (!isRelative) return isBuiltin(target) || target === "@oclif/core" || target.startsWith("@oclif/core/");
  return target === COMMAND_BASE || LIGHT_FOR_COMMANDS.includes(roomOf(target) ?? "");
}

/** The way to every package or module of Node that loading a file loads, one way to each. */
function waysOut(tree: Tree, start: string): string[][] {
  const ways: string[][] = [];
  const seen = new Set<string>();
  const queue: string[][] = [[start]];
  for (let way = queue.shift(); way !== undefined; way = queue.shift()) {
    for (const { target, isRelative, kind } of tree.get(way.at(-1) ?? "")?.imports ?? []) {
      if (kind === "type" || seen.has(target)) continue;
      seen.add(target);
      if (isRelative) queue.push([...way, target]);
      else ways.push([...way, target]);
    }
  }
  return ways;
}
