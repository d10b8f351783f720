import { type AddressWords, parseAddress, parsePort } from "../address.ts";
import type { ForwardingMode } from "../vocabulary.ts";
import { type ImportSink, quoted } from "./import-sink.ts";
import { MAX_LINE, textLines } from "./text-lines.ts";

const TIMESTAMP = /^\[\s*(\d+(?:\.\d+)?)\s*\]/;
const EVENT = /\[(NEW|UPDATE|DESTROY)\]/;
const ID = /\bid=(\d+)/;
const FAMILY = /\bipv[46]\s+\d+\s/;
const TUPLE = ["src=", "dst=", "sport=", "dport="] as const;
const PROTOCOL = /(?:^|\s)([a-z][a-z\d-]*)\s+(\d+)\s/;

/**
 * Entries of `conntrack -L`, /proc/net/nf_conntrack, or events of `conntrack -E`, with or without `-o timestamp,id`: the
 * tuple as the client sent it, and as the reply comes back.
 *
 *     ipv4 2 tcp 6 431999 ESTABLISHED src=CLIENT dst=VIP sport=N dport=N src=BACKEND dst=PEER sport=N dport=N [ASSURED]
 *
 * The words before the first tuple, counters between the tuples and flags behind them differ by version and option.
 */
export function importConntrack(text: string, sink: ImportSink): void {
  const open = new Map<string, number>();
  const addresses = new AddressCache();
  for (const { line: full, number } of textLines(text)) {
    const line = full.length > MAX_LINE ? full.slice(0, MAX_LINE) : full;
    if (line.trim() === "" || line.startsWith("conntrack v")) continue;
    const entry = readEntry(line, addresses);
    if (entry === "other") continue;
    if (entry === null) {
      sink.problem(number, `expected an entry as conntrack prints it, got ${quoted(line.trim())}`);
      continue;
    }
    addEntry(entry, open, sink);
  }
}

interface Entry {
  protocol: number;
  event: string | null;
  time: number;
  key: string;
  original: Tuple;
  reply: Tuple;
}

interface Tuple {
  src: AddressWords;
  dst: AddressWords;
  sport: number;
  dport: number;
}

/** "other" for what is an entry but no connection through a VIP: ICMP, other protocols. */
function readEntry(line: string, addresses: AddressCache): Entry | "other" | null {
  const at = line.indexOf("src=");
  if (at < 0) return null;
  const before = line.slice(0, at);
  const [, name = "", number = ""] = PROTOCOL.exec(before.replace(FAMILY, " ")) ?? [];
  if (name === "") return null;
  if (number !== "6" && number !== "17") return "other";
  const original = readTuple(line, at, addresses);
  const second = original === null ? -1 : line.indexOf(" src=", original.end);
  const reply = second < 0 ? null : readTuple(line, second + 1, addresses);
  if (original === null || reply === null) return null;
  const [, seconds] = TIMESTAMP.exec(line) ?? [];
  const [, event = null] = EVENT.exec(before) ?? [];
  const [, id = ""] = event === null ? [] : (ID.exec(line.slice(reply.end)) ?? []);
  return {
    protocol: Number(number),
    event,
    time: seconds === undefined ? Number.NaN : Number(seconds),
    // between the tuples a DESTROY has other words than its NEW
    key:
      id === ""
        ? `${number} ${line.slice(at, original.end)} ${line.slice(second, reply.end)}`
        : `${id} ${original.sport}`,
    original,
    reply,
  };
}

/** `src=… dst=… sport=… dport=…` at a place of the line. By hand: logs have millions of them. */
function readTuple(line: string, at: number, addresses: AddressCache): (Tuple & { end: number }) | null {
  const values: string[] = [];
  let from = at;
  for (const name of TUPLE) {
    if (!line.startsWith(name, from)) return null;
    const space = line.indexOf(" ", from);
    const to = space < 0 ? line.length : space;
    values.push(line.slice(from + name.length, to));
    from = to + 1;
  }
  const [srcText = "", dstText = "", sportText = "", dportText = ""] = values;
  const src = addresses.read(srcText);
  const dst = addresses.read(dstText);
  const sport = parsePort(sportText);
  const dport = parsePort(dportText);
  if (src === null || dst === null || sport === null || dport === null) return null;
  return { src, dst, sport, dport, end: from - 1 };
}

function addEntry({ protocol, event, time, key, original, reply }: Entry, open: Map<string, number>, sink: ImportSink) {
  const isDestroy = event === "DESTROY";
  const known = event === null ? undefined : open.get(key);
  if (known !== undefined) {
    if (isDestroy) {
      sink.connections.setEnd(known, time);
      open.delete(key);
      return;
    }
    if (event === "UPDATE") return;
  }
  // the reply comes from who was called: no balancer in between (source NAT of outgoing connections may be)
  if (isSame(original.dst, reply.src) && original.dport === reply.sport) return;
  const mode: ForwardingMode = isSame(original.src, reply.dst) ? "dnat" : "fullnat";
  const index = sink.connections.add({
    protocol,
    client: { address: original.src, port: original.sport },
    vip: { address: original.dst, port: original.dport },
    backend: { address: reply.src, port: reply.sport },
    source: { address: reply.dst, port: reply.dport },
    mode,
    start: event === "NEW" ? time : Number.NaN,
    end: isDestroy ? time : Number.NaN,
    origin: sink.origin,
  });
  if (event !== null && !isDestroy) open.set(key, index);
}

function isSame(a: AddressWords, b: AddressWords): boolean {
  return a[3] === b[3] && a[0] === b[0] && a[1] === b[1] && a[2] === b[2];
}

/** Addresses repeat from line to line. */
class AddressCache {
  private readonly known = new Map<string, AddressWords | null>();

  read(text: string): AddressWords | null {
    let words = this.known.get(text);
    if (words === undefined) {
      words = parseAddress(text);
      if (this.known.size > 50_000) this.known.clear();
      this.known.set(text, words);
    }
    return words;
  }
}
