import { type AddressWords, parseAddress } from "../address.ts";
import type { ForwardingMode } from "../vocabulary.ts";
import { type ImportSink, quoted } from "./import-sink.ts";
import { MAX_LINE, textLines } from "./text-lines.ts";

/**
 * An entry of connection tracking: its tuple as the client sent it, and as the reply comes back.
 *
 *     ipv4 2 tcp 6 431999 ESTABLISHED src=CLIENT dst=VIP sport=N dport=N src=BACKEND dst=PEER sport=N dport=N [ASSURED]
 *
 * The words before the first tuple, counters between the tuples and flags behind them differ by version and option.
 */
const TUPLES =
  /\bsrc=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) (?:[^s]\S* |s(?!rc=)\S* )*src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/;
const TIMESTAMP = /^\[\s*(\d+(?:\.\d+)?)\s*\]/;
const EVENT = /\[(NEW|UPDATE|DESTROY)\]/;
const ID = /\bid=(\d+)/;
const PROTOCOL = /(?:^|\s)([a-z][a-z\d-]*)\s+(\d+)\s/;

/** Entries of `conntrack -L`, /proc/net/nf_conntrack, or events of `conntrack -E`, with or without `-o timestamp,id`. */
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
  const tuples = TUPLES.exec(line);
  const before = tuples ? line.slice(0, tuples.index) : line;
  const [, name = "", number = ""] = PROTOCOL.exec(before.replace(/\bipv[46]\s+\d+\s/, " ")) ?? [];
  if (!tuples)
    return name !== "" && name !== "tcp" && name !== "udp" && /\bsrc=\S+ dst=\S+/.test(line) ? "other" : null;
  const protocol = Number(number);
  if (protocol !== 6 && protocol !== 17) return name === "" ? null : "other";
  const original = tupleOf(tuples, 1, addresses);
  const reply = tupleOf(tuples, 5, addresses);
  if (original === null || reply === null) return null;
  const [, seconds] = TIMESTAMP.exec(line) ?? [];
  const [, event = null] = EVENT.exec(before) ?? [];
  const [, id = ""] = ID.exec(line) ?? [];
  return {
    protocol,
    event,
    time: seconds === undefined ? Number.NaN : Number(seconds),
    // between the tuples a DESTROY has other words than its NEW
    key: id === "" ? `${protocol} ${tuples.slice(1).join(" ")}` : `${id} ${tuples[3]}`,
    original,
    reply,
  };
}

function tupleOf(match: RegExpExecArray, at: number, addresses: AddressCache): Tuple | null {
  const src = addresses.read(match[at] ?? "");
  const dst = addresses.read(match[at + 1] ?? "");
  const sport = Number(match[at + 2]);
  const dport = Number(match[at + 3]);
  return src === null || dst === null || sport > 0xffff || dport > 0xffff ? null : { src, dst, sport, dport };
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
