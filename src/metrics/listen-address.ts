import { isIP } from "node:net";

/**
 * Reads `ADDRESS:PORT`, `[ADDRESS6]:PORT` or `:PORT` (every address).
 * @returns null where it is none of them
 */
export function parseListen(text: string): { host: string; port: number } | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (!match) return null;
  const host = match[1] ?? match[2] ?? "";
  const port = Number(match[3]);
  if (port > 65535 || (match[1] !== undefined && isIP(host) !== 6)) return null;
  return { host: host === "" ? "::" : host, port };
}
