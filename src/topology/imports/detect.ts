import { importConntrack } from "./conntrack.ts";
import { importEnvoy } from "./envoy.ts";
import { importHaproxy } from "./haproxy.ts";
import type { ImportSink } from "./import-sink.ts";
import { importIpvsadmConnections } from "./ipvsadm-connections.ts";
import { importIpvsadmRules } from "./ipvsadm-rules.ts";
import { importIpvsadmTable } from "./ipvsadm-table.ts";
import { importKeepalived } from "./keepalived.ts";
import { importNft } from "./nft.ts";
import { importNginxStream } from "./nginx-stream.ts";
import { textLines } from "./text-lines.ts";

/** A format that can be imported. */
export interface ImportFormat {
  /** The file or command as a user calls it. */
  name: string;
  read: (text: string, sink: ImportSink) => void;
}

const FORMATS = {
  ipvsadmRules: { name: "ipvsadm -Sn", read: importIpvsadmRules },
  ipvsadmTable: { name: "ipvsadm -Ln", read: importIpvsadmTable },
  ipvsadmConnections: { name: "ipvsadm -Lcn", read: importIpvsadmConnections },
  keepalived: { name: "keepalived.conf", read: importKeepalived },
  haproxy: { name: "haproxy.cfg", read: importHaproxy },
  nginx: { name: "nginx stream {}", read: importNginxStream },
  envoy: { name: "Envoy's static YAML", read: importEnvoy },
  nft: { name: "nft -j list ruleset", read: importNft },
  conntrack: { name: "conntrack -L or -E", read: importConntrack },
} satisfies Record<string, ImportFormat>;

/** All formats by name, for messages and help. */
export const IMPORT_NAMES: readonly string[] = Object.values(FORMATS).map(({ name }) => name);

/** Lines looked at: a comment at the top of a file can be long. */
const LINES = 400;

/** A line that only one format has. */
const SIGNS: readonly (readonly [RegExp, keyof typeof FORMATS])[] = [
  [
    /^\s*(\S*ipvsadm\s+)?(-A|-a|--add-service|--add-server)\s+(-t|-u|-f|--tcp-service|--udp-service|--fwmark-service)\b/,
    "ipvsadmRules",
  ],
  [/^IP Virtual Server version /, "ipvsadmTable"],
  [/^(TCP|UDP|FWM)\s+\S+\s+[a-z]{2,}/, "ipvsadmTable"],
  [/^IPVS connection entries|^pro\s+expire\s+state\s/, "ipvsadmConnections"],
  [/^(TCP|UDP|SCTP)\s+\d+:\d\d\s+[A-Z_]+\s/, "ipvsadmConnections"],
  [/\bsrc=\S+ dst=\S+.* src=\S+ dst=\S+/, "conntrack"],
  [/^\s*(virtual_server|virtual_server_group|vrrp_instance|vrrp_sync_group|global_defs)\b/, "keepalived"],
  [/^(frontend|backend|listen|defaults)(\s+[\w.:-]+)*\s*(#.*)?$/, "haproxy"],
  [/^\s*stream\s*(\{|$)/, "nginx"],
  [/^\s*(upstream\s+\S+|server)\s*\{/, "nginx"],
  [/^\s*(static_resources|listeners|clusters)\s*:/, "envoy"],
];

/** Tells a format by what is in the text, null where it is none of them. */
export function detectFormat(text: string): ImportFormat | null {
  const head = text.slice(0, 4096).trimStart();
  if (head.startsWith("{")) {
    if (/"nftables"\s*:/.test(head)) return FORMATS.nft;
    if (/"?(static_resources|listeners|clusters)"?\s*:/.test(text.slice(0, 65_536))) return FORMATS.envoy;
  }
  for (const { line, number } of textLines(text)) {
    if (number > LINES) break;
    const sign = SIGNS.find(([pattern]) => pattern.test(line.slice(0, 1000)));
    if (sign) return FORMATS[sign[1]];
  }
  return null;
}
