import type { HashBackend } from "../../balance/selection/selection.ts";
import { parseEndpoint } from "../../topology/address.ts";
import type { Topology, TopologyVip } from "../../topology/topology.ts";
import type { Protocol } from "../../topology/vocabulary.ts";
import { formatNumberOf } from "../format-quantity.ts";
import { addressBytes } from "./backend-text.ts";
import { suggestion } from "./nearest-names.ts";
import type { Pool } from "./question.ts";
import { QuestionError } from "./question-error.ts";

export interface VipWish {
  /** As the contract prints it; undefined where the user named none. */
  vip: string | undefined;
  protocol: Protocol | undefined;
}

/**
 * The backends of a VIP as a topology file and imports give them; backup servers have no part in hashing.
 *
 * @throws QuestionError where it must be told which VIP, or has no backends.
 */
export function topologyPool({ vips }: Pick<Topology, "vips">, wish: VipWish): Pool {
  const entry = chooseVip(vips, wish);
  const vip = wish.vip ?? entry.vip;
  if (isForMany(vip)) throw new QuestionError(`${vip} stands for many: --vip must say which of them is called`);
  const notes: string[] = [];
  const backends: HashBackend[] = [];
  let backups = 0;
  for (const { backend, weight, isBackup } of entry.backends) {
    const endpoint = parseEndpoint(backend);
    if (isBackup) backups++;
    else if (endpoint === null) notes.push(`${backend} is left out: only its MAC is known, and no method hashes that`);
    else backends.push({ name: backend, address: addressBytes(endpoint.address), port: endpoint.port, weight });
  }
  if (backups > 0) notes.push(`${formatNumberOf(backups, "backup")} left out`);
  if (backends.length === 0) throw new QuestionError(`${entry.vip} has no backends in this topology: give --backend`);
  return { vip, protocol: wish.protocol ?? entry.protocol ?? "tcp", backends, source: "topology", notes };
}

/** Whether it is any address, any port or a firewall mark. */
function isForMany(vip: string): boolean {
  const endpoint = parseEndpoint(vip);
  return endpoint === null || endpoint.port === 0 || isAnyAddress(vip);
}

/** Whether an entry for many is this VIP's, too. */
function covers(entry: string, vip: string): boolean {
  const many = parseEndpoint(entry);
  const one = parseEndpoint(vip);
  if (many === null || one === null) return many === null;
  const isItsAddress = isAnyAddress(entry) || many.address.every((word, i) => word === one.address[i]);
  return isItsAddress && (many.port === 0 || many.port === one.port);
}

function isAnyAddress(vip: string): boolean {
  return vip.startsWith("0.0.0.0:") || vip.startsWith("[::]:");
}

function chooseVip(vips: readonly TopologyVip[], { vip, protocol }: VipWish): TopologyVip {
  const fitting = vips.filter((entry) => protocol === undefined || (entry.protocol ?? protocol) === protocol);
  const names = fitting.map((entry) => entry.vip);
  if (vip === undefined) {
    const [first] = fitting;
    if (first && fitting.length === 1) return first;
    if (!first) throw new QuestionError("no VIP in this topology: give --backend");
    throw new QuestionError(`--vip must say which VIP: ${[...new Set(names)].join(", ")}`);
  }
  const found = fitting.find((entry) => entry.vip === vip) ?? fitting.find((entry) => covers(entry.vip, vip));
  if (!found) throw new QuestionError(`no VIP ${vip} in this topology${suggestion(vip, names)}`);
  return found;
}
