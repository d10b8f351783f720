import { z } from "zod";
import type { Host } from "./host.ts";
import { fromJson } from "./links.ts";
import { runTool } from "./run-tool.ts";

/** A port range that a rule translates sources to; null where a rule leaves the ports to the kernel. */
export interface SourceNat {
  /** The rule as its tool prints it, cut short. */
  rule: string;
  ports: { from: number; to: number } | null;
}

/** What matters here of the packet filter, of nft and of iptables together. */
export interface PacketRules {
  /** Rules that rewrite a SYN's MSS. */
  mssClamps: number;
  sourceNats: SourceNat[];
  /** Rules that translate destinations. */
  destinationNats: number;
  /** Rules about ARP packets. */
  arpRules: number;
}

/**
 * Rules by `nft -j list ruleset` and `iptables-save`, of which nft shows what iptables-nft made, too, in part; null where
 * neither can be asked.
 */
export function readPacketRules(host: Host): PacketRules | null {
  const nft = host.fact("nft.json", () => runTool(["nft", "-j", "list", "ruleset"]));
  const iptables = host.fact("iptables.txt", () => runTool(["iptables-save"]));
  const arptables = host.fact("arptables.txt", () => runTool(["arptables-save"]));
  if (nft === null && iptables === null) return null;
  const fromNft = nftRules(nft ?? "");
  const fromIptables = iptablesRules(iptables ?? "");
  return {
    // iptables-nft's rules are in both lists: what is there is what counts, not how often
    mssClamps: Math.max(fromNft.mssClamps, fromIptables.mssClamps),
    sourceNats: [...fromNft.sourceNats, ...fromIptables.sourceNats],
    destinationNats: Math.max(fromNft.destinationNats, fromIptables.destinationNats),
    arpRules: fromNft.arpRules + ((arptables ?? "").match(/^-A /gm)?.length ?? 0),
  };
}

const rulesetSchema = z.object({ nftables: z.array(z.record(z.string(), z.unknown())) });
const ruleSchema = z.object({ family: z.string(), expr: z.array(z.record(z.string(), z.unknown())).default([]) });
const natSchema = z.object({ port: z.unknown() }).partial().nullable();
const rangeSchema = z.object({ range: z.tuple([z.number(), z.number()]) });
const mangleSchema = z.object({ key: z.object({ "tcp option": z.object({ name: z.string() }) }) });

export function nftRules(json: string): PacketRules {
  const rules: PacketRules = { mssClamps: 0, sourceNats: [], destinationNats: 0, arpRules: 0 };
  const parsed = rulesetSchema.safeParse(fromJson(json));
  for (const { rule } of parsed.success ? parsed.data.nftables : []) {
    const read = ruleSchema.safeParse(rule);
    if (!read.success) continue;
    if (read.data.family === "arp") rules.arpRules++;
    for (const expression of read.data.expr) {
      if ("dnat" in expression || "redirect" in expression) rules.destinationNats++;
      for (const name of ["snat", "masquerade"]) {
        if (!(name in expression)) continue;
        rules.sourceNats.push({
          rule: `nft ${name}`,
          ports: portsOf(natSchema.safeParse(expression[name]).data?.port),
        });
      }
      const mangle = mangleSchema.safeParse(expression.mangle);
      if (mangle.success && mangle.data.key["tcp option"].name === "maxseg") rules.mssClamps++;
      // what iptables-nft made and nft has no words for: { "xt": { "type": "target", "name": "TCPMSS" } }
      if (isTarget(expression.xt, "TCPMSS")) rules.mssClamps++;
      if (isTarget(expression.xt, "DNAT")) rules.destinationNats++;
    }
  }
  return rules;
}

function isTarget(xt: unknown, name: string): boolean {
  return typeof xt === "object" && xt !== null && "name" in xt && xt.name === name;
}

function portsOf(port: unknown): SourceNat["ports"] {
  if (typeof port === "number") return { from: port, to: port };
  const range = rangeSchema.safeParse(port);
  return range.success ? { from: range.data.range[0], to: range.data.range[1] } : null;
}

/** `-A POSTROUTING … -j SNAT --to-source 10.3.0.1:40000-40063`, `-j MASQUERADE --to-ports 1024-2047`. */
export function iptablesRules(text: string): PacketRules {
  const rules: PacketRules = { mssClamps: 0, sourceNats: [], destinationNats: 0, arpRules: 0 };
  for (const line of text.split("\n")) {
    if (!line.startsWith("-A ")) continue;
    const [, target = ""] = / -j (\S+)/.exec(line) ?? [];
    if (target === "TCPMSS") rules.mssClamps++;
    if (target === "DNAT" || target === "REDIRECT") rules.destinationNats++;
    if (target !== "SNAT" && target !== "MASQUERADE") continue;
    const [, from, to = from] = /--to-(?:source [\d.]*(?:-[\d.]+)?:|ports )(\d+)(?:-(\d+))?/.exec(line) ?? [];
    const ports = from === undefined ? null : { from: Number(from), to: Number(to) };
    rules.sourceNats.push({ rule: `iptables ${line.slice(3, 120)}`, ports });
  }
  return rules;
}
