import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { fileSchema, KNOWN_KEYS, type TopologyFile } from "./file-schema.ts";
import { ImportedConnections } from "./imported-connections.ts";
import { checkThresholds, type ThresholdRegistry } from "./thresholds.ts";
import type { SourceProblem, Topology } from "./topology.ts";
import { TopologyError } from "./topology-error.ts";

/** More than any hand-written or written topology; beyond it, it is the wrong file. */
const MAX_BYTES = 16e6;
/** As many as a screen holds; what follows is often the same mistake. */
const MAX_PROBLEMS = 50;
/** One slip in the indentation makes many. */
const MAX_YAML_ERRORS = 5;

/**
 * Reads a topology file: YAML as docs/topology.md tells it.
 *
 * @param source the file's name, for messages
 * @param registry what thresholds there are; without it only their form is checked
 * @throws TopologyError with every mistake: file, line, column, what is wrong, what is expected
 */
export function readTopologyFile(text: string, source: string, registry?: ThresholdRegistry): Topology {
  const at = (line: number, column: number, message: string): SourceProblem => ({ source, line, column, message });
  if (text.length > MAX_BYTES)
    throw new TopologyError([at(0, 0, `larger than a topology file is (${MAX_BYTES} bytes)`)]);
  const lines = new LineCounter();
  let document: Document.Parsed;
  let value: unknown;
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      resolveKnownTags: false,
      logLevel: "silent",
    });
    if (document.errors.length === 0) value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // too deep for the parser's recursion, or aliases that multiply
    throw new TopologyError([at(0, 0, `cannot be read as YAML: ${firstLine(error)}`)]);
  }
  if (document.errors.length > 0) {
    const tooDeep = document.errors.find(({ message }) => message.includes("call stack"));
    const told = tooDeep ? [tooDeep] : document.errors.slice(0, MAX_YAML_ERRORS);
    throw new TopologyError(
      told.map(({ pos, message }) => {
        const { line, col } = lines.linePos(pos[0]);
        const what = tooDeep ? "nested too deeply" : oneLine(message);
        return at(line, col, `not YAML: ${what}${quotesHint(text, pos[0])}`);
      }),
    );
  }
  const placed = ({ path, isKey, message }: Placed): SourceProblem => {
    const { line, col } = lines.linePos(offsetOf(document, path, isKey));
    return at(line, col, message);
  };
  const parsed = fileSchema.safeParse(value ?? {});
  if (!parsed.success)
    throw new TopologyError(
      tooMany(
        parsed.error.issues.flatMap((i) => issuesOf(document, i)),
        placed,
      ),
    );
  const contradictions = [...repeated(parsed.data), ...thresholdProblems(parsed.data, registry)];
  if (contradictions.length > 0) throw new TopologyError(tooMany(contradictions, placed));
  return topologyOf(parsed.data);
}

/** A mistake at a place of the document, by keys and indexes; `isKey` where the last key itself is wrong. */
interface Placed {
  path: readonly PropertyKey[];
  isKey: boolean;
  message: string;
}

function tooMany(problems: readonly Placed[], placed: (problem: Placed) => SourceProblem): SourceProblem[] {
  const sorted = problems.map(placed).sort((a, b) => a.line - b.line || a.column - b.column);
  const [first] = sorted;
  if (sorted.length <= MAX_PROBLEMS || first === undefined) return sorted;
  const message = `${sorted.length - MAX_PROBLEMS} more mistakes are not shown`;
  return [...sorted.slice(0, MAX_PROBLEMS), { source: first.source, line: 0, column: 0, message }];
}

/** What zod found as sentences: what is there, what was expected. */
function issuesOf(document: Document.Parsed, issue: z.core.$ZodIssue): Placed[] {
  const { path } = issue;
  const place = placeText(path);
  if (issue.code === "unrecognized_keys") {
    const known = KNOWN_KEYS.get(path.filter((step) => typeof step === "string").join(".")) ?? [];
    return issue.keys.map((key) => ({
      path: [...path, key],
      isKey: true,
      message: `${place === "" ? "" : `${place}: `}no key "${printable(key)}" is known here; expected ${known.join(", ")}`,
    }));
  }
  if (issue.code === "invalid_key") {
    const expected = issue.issues[0]?.message ?? "another key";
    return [
      {
        path,
        isKey: true,
        message: `${placeText(path.slice(0, -1))}: expected ${expected}, got "${printable(String(path.at(-1)))}"`,
      },
    ];
  }
  if (place !== "" && !document.hasIn(path.map(keyOf))) {
    const key = String(path.at(-1));
    const owner = placeText(path.slice(0, -1));
    return [
      { path: path.slice(0, -1), isKey: false, message: `${owner}: missing "${key}"; expected ${issue.message}` },
    ];
  }
  const found = describe(document.getIn(path.map(keyOf)));
  const expected = place === "" ? `keys ${KNOWN_KEYS.get("")?.join(", ")}` : issue.message;
  return [{ path, isKey: false, message: `${place || "the file"}: expected ${expected}, got ${found}` }];
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (isMap(value)) return "a map of keys";
  if (isNode(value)) return "a list";
  const text = typeof value === "string" ? `"${printable(value)}"` : String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** The same VIP, or the same backend of one, twice. */
function repeated(file: TopologyFile): Placed[] {
  const found: Placed[] = [];
  const vips = new Map<string, number>();
  file.vips.forEach(({ vip, protocol, backends }, index) => {
    const key = `${protocol} ${vip}`;
    const first = vips.get(key);
    if (first !== undefined) {
      const message = `vips[${index}].vip: ${vip} (${protocol}) is vips[${first}] already`;
      found.push({ path: ["vips", index, "vip"], isKey: false, message });
    }
    vips.set(key, first ?? index);
    const seen = new Set<string>();
    backends.forEach(({ backend }, b) => {
      const path = ["vips", index, "backends", b, "backend"];
      if (seen.has(backend)) {
        found.push({ path, isKey: false, message: `${placeText(path)}: ${backend} is a backend of ${vip} already` });
      }
      seen.add(backend);
    });
  });
  const names = new Set<string>();
  file.nodes.forEach(({ name }, index) => {
    const path = ["nodes", index, "name"];
    if (names.has(name))
      found.push({ path, isKey: false, message: `${placeText(path)}: a node "${name}" is there already` });
    names.add(name);
  });
  return found;
}

function thresholdProblems(file: TopologyFile, registry: ThresholdRegistry | undefined): Placed[] {
  if (registry === undefined) return [];
  return checkThresholds(file.thresholds, registry).map(({ path, isName, message }) => ({
    path: ["thresholds", ...path],
    isKey: isName,
    message: `thresholds: ${message}`,
  }));
}

function topologyOf(file: TopologyFile): Topology {
  return {
    vips: file.vips.map(({ vip, protocol, mode, scheduler, proxyHeader, idleTimeoutSeconds, backends }) => ({
      vip,
      protocol: protocol === "any" ? null : protocol,
      mode: mode ?? null,
      scheduler: scheduler ?? null,
      proxyHeader: proxyHeader ?? null,
      idleTimeoutSeconds: idleTimeoutSeconds ?? null,
      backends: backends.map(({ backend, weight, backup, maxConnections }) => ({
        backend,
        weight,
        isBackup: backup,
        maxConnections: maxConnections ?? null,
      })),
    })),
    nodes: file.nodes,
    virtualRouters: file.virtualRouters.map((router) => ({
      virtualRouterId: router.virtualRouterId,
      interface: router.interface ?? null,
      priority: router.priority ?? null,
      intervalSeconds: router.intervalSeconds ?? null,
      addresses: router.addresses,
    })),
    thresholds: file.thresholds,
    connections: new ImportedConnections(),
    problems: [],
  };
}

/** Where a path of the document begins; of what is not there, where its owner does. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[], isKey: boolean): number {
  const keys = path.map(keyOf);
  if (isKey) {
    const owner = keys.length > 1 ? document.getIn(keys.slice(0, -1), true) : document.contents;
    const last = String(keys.at(-1));
    const pair = isMap(owner) ? owner.items.find(({ key }) => isScalar(key) && String(key.value) === last) : undefined;
    if (pair && isNode(pair.key)) return pair.key.range?.[0] ?? 0;
  }
  for (let length = keys.length; length > 0; length--) {
    const node = document.getIn(keys.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function keyOf(key: PropertyKey): string | number {
  return typeof key === "number" ? key : String(key);
}

/** `vips[0].backends[2].weight` */
function placeText(path: readonly PropertyKey[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += `${text === "" ? "" : "."}${printable(String(step))}`;
  }
  return text;
}

function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\u{fffd}");
}

function oneLine(text: string): string {
  return printable(text.replace(/\s+/g, " ")).slice(0, 200);
}

/** An IPv6 endpoint without quotes is a list to YAML, with something odd behind it. */
function quotesHint(text: string, offset: number): string {
  const from = text.lastIndexOf("\n", Math.max(0, offset - 1)) + 1;
  const to = text.indexOf("\n", offset);
  const line = text.slice(from, Math.min(from + 300, to < 0 ? text.length : to));
  return /[:-]\s+\[[\da-f:.]*\]:\d/i.test(line) ? ' (an IPv6 endpoint needs quotes: "[2001:db8::1]:443")' : "";
}

function firstLine(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}
