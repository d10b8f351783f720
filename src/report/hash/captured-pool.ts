import type { FlowKey, HashBackend } from "../../balance/selection/selection.ts";
import type { Connected } from "../../path/connect.ts";
import type { InferredTopology, InferredVip } from "../../path/infer-topology.ts";
import { formatNumberOf } from "../format-quantity.ts";
import { addressBytes } from "./backend-text.ts";
import { suggestion } from "./nearest-names.ts";
import type { KeySet, Pool } from "./question.ts";
import { QuestionError } from "./question-error.ts";
import { IP_PROTOCOLS } from "./synthetic-key-set.ts";
import type { VipWish } from "./topology-pool.ts";

/** What a capture says of a VIP: its backends, weighted as given or all the same, and its clients' connections. */
export interface CapturedPool {
  pool: Pool;
  /** Its keys, and who answered each, by name; null where nothing shows. */
  keys: readonly FlowKey[];
  answeredBy: readonly (string | null)[];
}

/**
 * The busiest VIP that a capture shows to be balanced, or the one that is wished for.
 *
 * @throws QuestionError where there is none, or no such one.
 */
export function capturedPool(connected: Connected, topology: InferredTopology, wish: VipWish): CapturedPool {
  const { endpoints, connections } = connected;
  const { chosen, others } = chooseVip(connected, topology, wish);
  const notes: string[] = [];
  if (others.length > 0)
    notes.push(`the busiest of ${formatNumberOf(others.length + 1, "VIP")}; --vip has ${others.join(", ")}, too`);
  const backends: HashBackend[] = [];
  for (const { backend, weight, isBackup } of chosen.backends) {
    if (isBackup) continue;
    const name = endpoints.text(backend);
    if (endpoints.isMac(backend)) {
      notes.push(`${name} is left out: only its MAC is known; a topology file can give its address`);
      continue;
    }
    const address = addressBytes(endpoints.address(backend));
    backends.push({ name, address, port: endpoints.port(backend), weight: weight ?? 1 });
  }
  // a balancer's list has an order that captures do not show: the natural one is most likely
  backends.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const addresses = new Map<number, Uint8Array>();
  const keys: FlowKey[] = [];
  const answeredBy: (string | null)[] = [];
  const dst = addressBytes(endpoints.address(chosen.vip));
  const dstPort = endpoints.port(chosen.vip);
  for (const { role, healthCheck, vip, protocol, client, backend } of connections) {
    if (role !== "client" || healthCheck || vip !== chosen.vip || protocol !== chosen.protocol) continue;
    const host = endpoints.withPort(client, 0);
    let src = addresses.get(host);
    if (src === undefined) {
      src = addressBytes(endpoints.address(client));
      addresses.set(host, src);
    }
    keys.push({ protocol, src, dst, srcPort: endpoints.port(client), dstPort });
    answeredBy.push(backend === null ? null : endpoints.text(backend));
  }
  const protocol = chosen.protocol === IP_PROTOCOLS.udp ? "udp" : "tcp";
  return { pool: { vip: endpoints.text(chosen.vip), protocol, backends, source: "capture", notes }, keys, answeredBy };
}

/** The connections of a capture as keys, held against the backends that they are hashed over. */
export function capturedKeySet({ keys, answeredBy }: CapturedPool, backends: readonly HashBackend[]): KeySet {
  const indices = new Map(backends.map(({ name }, index) => [name, index]));
  const seen = Int32Array.from(answeredBy, (name) => (name === null ? -1 : (indices.get(name) ?? -1)));
  const clients = new Set(keys.map(({ src }) => src)).size;
  return { source: "capture", kind: null, seed: null, clients, keys, seen };
}

function chooseVip(
  { endpoints }: Connected,
  { vips }: InferredTopology,
  { vip, protocol }: VipWish,
): { chosen: InferredVip; others: string[] } {
  const fitting = vips.filter((one) => protocol === undefined || one.protocol === IP_PROTOCOLS[protocol]);
  const names = fitting.map((one) => endpoints.text(one.vip));
  if (vip !== undefined) {
    const chosen = fitting[names.indexOf(vip)];
    if (!chosen) throw new QuestionError(`no VIP ${vip} in this capture${suggestion(vip, names)}`);
    return { chosen, others: [] };
  }
  const [chosen] = fitting;
  if (!chosen) throw new QuestionError("no VIP in this capture: --vip ADDRESS:PORT and a --topology file can name one");
  return { chosen, others: names.slice(1) };
}
