import { endpointText } from "../../../src/topology/address.ts";
import { ImportedConnections } from "../../../src/topology/imported-connections.ts";
import { detectFormat } from "../../../src/topology/imports/detect.ts";
import { ImportSink } from "../../../src/topology/imports/import-sink.ts";
import { problemText, type TopologyVip } from "../../../src/topology/topology.ts";

/** A connection of a table as the tests speak of it. */
export interface ReadConnection {
  protocol: number;
  client: string;
  vip: string;
  backend: string;
  source: string;
  mode: string | null;
  start: number | null;
  end: number | null;
}

export interface ReadImport {
  format: string;
  /** `tcp 192.0.2.10:443 dnat rr` of each VIP, then its backends with what is not usual of them. */
  vips: Record<string, string[]>;
  connections: ReadConnection[];
  problems: string[];
  sink: ImportSink;
}

/** Reads a text as `--import FILE` does; the file is called `f`. */
export function readImport(text: string): ReadImport {
  const format = detectFormat(text);
  if (format === null) throw new Error("no format fits");
  const connections = new ImportedConnections();
  const sink = new ImportSink("f", connections);
  format.read(text, sink);
  sink.finish();
  return {
    format: format.name,
    vips: Object.fromEntries(sink.vips.map((vip) => [vipLine(vip), vip.backends.map(backendLine)])),
    connections: [...connections].map(({ protocol, client, vip, backend, source, mode, start, end }) => ({
      protocol,
      client: endpointText(client),
      vip: endpointText(vip),
      backend: endpointText(backend),
      source: endpointText(source),
      mode,
      start: Number.isNaN(start) ? null : start,
      end: Number.isNaN(end) ? null : end,
    })),
    problems: sink.problems.map(problemText),
    sink,
  };
}

function vipLine({ protocol, vip, mode, scheduler, proxyHeader, idleTimeoutSeconds }: TopologyVip): string {
  const idle = idleTimeoutSeconds === null ? null : `${idleTimeoutSeconds}s`;
  return [protocol ?? "any", vip, mode, scheduler, proxyHeader, idle].filter((word) => word !== null).join(" ");
}

function backendLine({ backend, weight, isBackup, maxConnections }: TopologyVip["backends"][number]): string {
  const most = maxConnections === null ? "" : ` max ${maxConnections}`;
  return `${backend}${weight === 1 ? "" : ` *${weight}`}${isBackup ? " backup" : ""}${most}`;
}
