import type { HashBackend } from "../../balance/selection/selection.ts";
import { canonicalEndpoint } from "../../topology/address.ts";
import type { Protocol } from "../../topology/vocabulary.ts";
import { parseBackends, requireDistinct } from "./backend-text.ts";
import type { Pool } from "./question.ts";
import { QuestionError } from "./question-error.ts";

/** The VIP where none is named: of the documentation's networks (RFC 5737, RFC 3849). */
const DEFAULT_VIPS = { v4: "192.0.2.10:443", v6: "[2001:db8::10]:443" } as const;

/** `--vip` as the contract prints it. */
export function parseVip(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const vip = canonicalEndpoint(text);
  if (vip === null) throw new QuestionError(`${text}: expected a VIP as ADDRESS:PORT, such as 192.0.2.10:443`);
  return vip;
}

/** Backends as they were typed. */
export function parseBackendFlags(texts: readonly string[]): HashBackend[] {
  const backends = texts.flatMap(parseBackends);
  requireDistinct(backends);
  return backends;
}

export function flagPool(backends: readonly HashBackend[], vip: string | undefined, protocol: Protocol = "tcp"): Pool {
  const isV6 = backends.length > 0 && backends.every(({ address }) => address.length === 16);
  return { vip: vip ?? (isV6 ? DEFAULT_VIPS.v6 : DEFAULT_VIPS.v4), protocol, backends, source: "flags", notes: [] };
}
