import { canonicalMac, joinEndpoint } from "../address.ts";
import type { TopologyVip } from "../topology.ts";
import type { ForwardingMode } from "../vocabulary.ts";
import type { ImportSink } from "./import-sink.ts";
import { ANY_PACKET, type Matched, narrow, narrowAny, pickOf, portNumber, weightOf } from "./nft-match.ts";
import { chainKey, items, type Json, member, type NftRule, type NftRuleset, readRuleset } from "./nft-ruleset.ts";

/** Chains that call one another deeper than this are a ring, which the kernel refuses. */
const MAX_DEPTH = 16;
/** Rules looked at in all: a ruleset whose branches multiply is read only so far. */
const MAX_STEPS = 500_000;

/**
 * `nft -j list ruleset`: what is translated where, followed from the hooks through jumps, verdict maps and sets, as a
 * packet would go.
 */
export function importNft(text: string, sink: ImportSink): void {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    sink.problem(0, `not JSON: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  const read = readRuleset(json);
  if (read === null) {
    sink.problem(0, 'expected what "nft -j list ruleset" prints: an object with a list "nftables"');
    return;
  }
  if (read.unread > 0) sink.problem(0, `${read.unread} rules, chains or sets have a form that is not known: left out`);
  new NftImport(read.ruleset, sink).read();
}

/** A rule that translates the source address, and the packets that come to it. */
interface SourceNat {
  matched: Matched;
  rule: NftRule;
  /** VIPs for which the ruleset alone does not tell whether it applies. */
  open: string[];
}

class NftImport {
  private readonly ruleset: NftRuleset;
  private readonly sink: ImportSink;
  private readonly sourceNats: SourceNat[] = [];
  private steps = 0;
  private readonly told = new Set<string>();

  constructor(ruleset: NftRuleset, sink: ImportSink) {
    this.ruleset = ruleset;
    this.sink = sink;
  }

  read(): void {
    const entries = this.ruleset.chains.filter(({ hook }) => hook !== null).sort((a, b) => a.prio - b.prio);
    for (const { family, table, name, hook } of entries) {
      if (hook === "prerouting" || hook === "ingress" || hook === "postrouting") {
        this.walk(family, table, name, ANY_PACKET, 0);
      }
    }
    for (const vip of this.sink.vips) if (vip.mode === "dnat") vip.mode = this.modeWithSourceNat(vip);
    for (const { rule, open } of this.sourceNats) {
      if (open.length === 0) continue;
      const which = open.length === 1 ? open[0] : `${open.length} VIPs (${open[0]}, …)`;
      this.tellOnce(rule, `may translate the clients of ${which} or not, by interface or mark: the mode is left open`);
    }
    if (this.steps >= MAX_STEPS) this.sink.problem(0, "the ruleset branches too much: read in part");
  }

  private walk(family: string, table: string, chain: string, matched: Matched, depth: number): void {
    if (depth > MAX_DEPTH) return;
    for (const rule of this.ruleset.rules.get(chainKey(family, table, chain)) ?? []) {
      if (++this.steps > MAX_STEPS) return;
      this.readRule(rule, matched, depth);
    }
  }

  private readRule(rule: NftRule, entering: Matched, depth: number): void {
    let branches = [entering];
    let macs: Json | undefined;
    for (const expr of rule.expr) {
      const match = member(expr, "match");
      if (match !== undefined) {
        const op = member(match, "op");
        if (op !== "==" && op !== "in") continue;
        const values = this.valuesOf(rule, member(match, "right"));
        branches = branches.flatMap((matched) => narrowAny(matched, member(match, "left"), values));
        branches = branches.filter(({ isEmpty }) => !isEmpty);
        continue;
      }
      const vmap = member(expr, "vmap");
      const mangle = member(expr, "mangle");
      const target = member(member(expr, "jump") ?? member(expr, "goto"), "target");
      const dnat = member(expr, "dnat");
      if (mangle !== undefined) {
        const payload = member(member(mangle, "key"), "payload");
        if (member(payload, "protocol") === "ether" && member(payload, "field") === "daddr")
          macs = member(mangle, "value");
      } else if (member(expr, "xt") !== undefined) this.hiddenByIptables(rule);
      for (const matched of branches) {
        if (vmap !== undefined) this.readVerdictMap(rule, vmap, matched, depth);
        else if (typeof target === "string") this.walk(rule.family, rule.table, target, matched, depth + 1);
        else if (dnat !== undefined) this.addTranslation(rule, dnat, matched);
        else if (member(expr, "fwd") !== undefined && macs !== undefined) this.addForwarding(rule, macs, matched);
        else if (member(expr, "snat") !== undefined || member(expr, "masquerade") !== undefined) {
          this.sourceNats.push({ matched, rule, open: [] });
        }
      }
    }
  }

  private readVerdictMap(rule: NftRule, vmap: Json, matched: Matched, depth: number): void {
    const key = member(vmap, "key");
    const pick = pickOf(key);
    for (const entry of this.valuesOf(rule, member(vmap, "data"))) {
      const [value = null, verdict] = items(entry);
      const target = member(member(verdict, "goto") ?? member(verdict, "jump"), "target");
      if (typeof target !== "string") continue;
      const branch = pick
        ? { ...matched, scheduler: pick.scheduler, weight: matched.weight * weightOf(value) }
        : narrow(matched, key, plain(value));
      if (!branch.isEmpty) this.walk(rule.family, rule.table, target, branch, depth + 1);
    }
  }

  /** The elements of a set, be it named (`@name`), written in place, or a single value. */
  private valuesOf(rule: NftRule, value: Json | undefined): readonly Json[] {
    if (typeof value === "string" && value.startsWith("@")) {
      const elements = this.ruleset.elements.get(chainKey(rule.family, rule.table, value.slice(1)));
      if (elements === undefined) this.tellOnce(rule, `there is no set ${value}`);
      return (elements ?? []).map(plain);
    }
    const set = member(value, "set");
    if (set !== undefined) return items(set).map(plain);
    return value === undefined ? [] : [value];
  }

  private addTranslation(rule: NftRule, dnat: Json, matched: Matched): void {
    const address = member(dnat, "addr");
    const port = portNumber(member(dnat, "port"));
    const map = member(address, "map");
    if (map === undefined) {
      if (address !== undefined) this.addBackend(rule, address, port, matched, "dnat");
      return;
    }
    const key = member(map, "key");
    const pick = pickOf(key);
    for (const entry of this.valuesOf(rule, member(map, "data"))) {
      const [value = null, target = null] = items(entry);
      const branch = pick
        ? { ...matched, scheduler: pick.scheduler, weight: matched.weight * weightOf(value) }
        : narrow(matched, key, plain(value));
      if (!branch.isEmpty) this.addBackend(rule, target, port, branch, "dnat");
    }
  }

  /** A netdev rule that sends the frame on to another MAC: direct return. */
  private addForwarding(rule: NftRule, macs: Json, matched: Matched): void {
    const map = member(macs, "map");
    if (map === undefined) {
      this.addBackend(rule, macs, null, matched, "dsr-l2");
      return;
    }
    const pick = pickOf(member(map, "key"));
    for (const entry of this.valuesOf(rule, member(map, "data"))) {
      const [value = null, target = null] = items(entry);
      this.addBackend(
        rule,
        target,
        null,
        { ...matched, scheduler: pick?.scheduler ?? null, weight: weightOf(value) },
        "dsr-l2",
      );
    }
  }

  private addBackend(rule: NftRule, target: Json, port: number | null, matched: Matched, mode: ForwardingMode): void {
    const [host = target, ownPort] = items(member(target, "concat"));
    const { addresses, ports, protocol, weight } = matched;
    if (addresses === null) {
      this.tellOnce(rule, "translates without saying which address was called: no VIP can be told");
      return;
    }
    const text = typeof host === "string" ? host : "";
    for (const address of addresses) {
      for (const called of ports ?? [0]) {
        const vip = joinEndpoint(address, called);
        const backend = canonicalMac(text) ?? joinEndpoint(text, portNumber(ownPort) ?? port ?? called);
        if (vip === null) continue;
        if (backend === null) {
          this.tellOnce(rule, "translates to what is no single address: left out");
          return;
        }
        const entry = this.sink.vip(vip, protocol);
        entry.mode ??= mode;
        this.sink.backend(entry, backend, { weight });
        const isUneven = new Set(entry.backends.map((known) => known.weight)).size > 1;
        entry.scheduler = matched.scheduler === "rr" && isUneven ? "wrr" : (entry.scheduler ?? matched.scheduler);
      }
    }
  }

  /** What `snat` and `masquerade` make of a VIP's mode: null where the ruleset alone cannot tell. */
  private modeWithSourceNat(vip: TopologyVip): ForwardingMode | null {
    let mode: ForwardingMode | null = "dnat";
    for (const { matched, rule, open } of this.sourceNats) {
      const verdict = appliesTo(matched, rule.family, vip);
      if (verdict === "yes") return "fullnat";
      if (verdict === "no") continue;
      open.push(vip.vip);
      mode = null;
    }
    return mode;
  }

  private hiddenByIptables(rule: NftRule): void {
    this.tellOnce(rule, "was written by iptables, whose targets nft does not show: import a conntrack log instead");
  }

  private tellOnce(rule: NftRule, message: string): void {
    const text = `${placeOf(rule)}: ${message}`;
    if (this.told.has(text)) return;
    this.told.add(text);
    this.sink.problem(0, text);
  }
}

/** Whether a source translation takes the packets that were sent on to a VIP's backends. */
function appliesTo(matched: Matched, family: string, vip: TopologyVip): "yes" | "no" | "maybe" {
  if (family === (vip.vip.startsWith("[") ? "ip" : "ip6")) return "no";
  const { addresses, ports, protocol, originalAddresses, hasSource, isTranslated } = matched;
  if (protocol !== null && vip.protocol !== null && protocol !== vip.protocol) return "no";
  // for packets of certain senders, as a way out for the backends is
  if (hasSource) return "no";
  const called = vip.vip.slice(0, vip.vip.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  if (originalAddresses !== null) return originalAddresses.includes(called) ? "yes" : "no";
  const reached = vip.backends.map(({ backend }) => splitBackend(backend));
  if (addresses !== null && !reached.some(({ address }) => addresses.includes(address))) return "no";
  if (ports !== null && !reached.some(({ port }) => ports.includes(port))) return "no";
  return addresses !== null || ports !== null || isTranslated ? "yes" : "maybe";
}

function splitBackend(backend: string): { address: string; port: number } {
  const colon = backend.lastIndexOf(":");
  return { address: backend.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(backend.slice(colon + 1)) };
}

/** An element without its counter, timeout or comment. */
function plain(value: Json): Json {
  return member(member(value, "elem"), "val") ?? value;
}

function placeOf({ family, table, chain, handle }: NftRule): string {
  return `table ${family} ${table}, chain ${chain}, handle ${handle}`;
}
