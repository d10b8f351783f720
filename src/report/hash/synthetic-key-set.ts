import { mostKeys, type SourceKind, syntheticKeys, usualClients } from "../../balance/what-if/synthetic-keys.ts";
import { parseEndpoint } from "../../topology/address.ts";
import { formatCount } from "../format-quantity.ts";
import { addressBytes } from "./backend-text.ts";
import type { KeySet } from "./question.ts";
import { QuestionError } from "./question-error.ts";

export interface SyntheticWishes {
  keys: number;
  kind: SourceKind;
  /** As many as are usual for the kind where left out. */
  clients: number | undefined;
  seed: number;
}

export const IP_PROTOCOLS = { tcp: 6, udp: 17 } as const;

/** @throws QuestionError where the clients have too few ports for so many connections. */
export function syntheticKeySet(
  { vip, protocol }: { vip: string; protocol: "tcp" | "udp" },
  { keys, kind, clients = usualClients(kind, keys), seed }: SyntheticWishes,
): KeySet {
  const endpoint = parseEndpoint(vip);
  if (endpoint === null) throw new QuestionError(`${vip}: no address to call; give --vip ADDRESS:PORT`);
  const most = mostKeys(kind, clients);
  if (keys > most) {
    throw new QuestionError(
      `${formatCount(clients)} clients have source ports for ${formatCount(most)} connections, not ${formatCount(keys)}: more --clients or fewer --keys`,
    );
  }
  const made = syntheticKeys({
    kind,
    keys,
    clients,
    seed,
    protocol: IP_PROTOCOLS[protocol],
    vip: { address: addressBytes(endpoint.address), port: endpoint.port },
  });
  const calling = new Set(made.map(({ src }) => src));
  return { source: "synthetic", kind, seed, clients: calling.size, keys: made, seen: null };
}
