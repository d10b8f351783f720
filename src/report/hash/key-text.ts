import type { FlowKey } from "../../balance/selection/selection.ts";
import { type AddressWords, endpointText, parseEndpoint } from "../../topology/address.ts";
import { addressBytes } from "./backend-text.ts";
import { QuestionError } from "./question-error.ts";
import { IP_PROTOCOLS } from "./synthetic-key-set.ts";

/** The ends of a connection as the contract prints them. */
export function keyText({ src, srcPort, dst, dstPort }: FlowKey): { client: string; vip: string } {
  return { client: textOf(src, srcPort), vip: textOf(dst, dstPort) };
}

/**
 * The connection of a client, as typed, to a VIP.
 *
 * @throws QuestionError where one of them is no endpoint, or they are of different families
 */
export function parseKey(client: string, vip: string, protocol: "tcp" | "udp"): FlowKey {
  const [from, to] = [client, vip].map((text) => {
    const endpoint = parseEndpoint(text);
    if (endpoint === null) throw new QuestionError(`${text}: expected ADDRESS:PORT, such as 10.1.0.7:40001`);
    return { address: addressBytes(endpoint.address), port: endpoint.port };
  }) as [{ address: Uint8Array; port: number }, { address: Uint8Array; port: number }];
  if (from.address.length !== to.address.length) {
    throw new QuestionError(`${client} cannot call ${vip}: one is IPv4, the other IPv6; name the VIP with --to`);
  }
  const [src, dst] = [from.address, to.address];
  return { protocol: IP_PROTOCOLS[protocol], src, dst, srcPort: from.port, dstPort: to.port };
}

function textOf(address: Uint8Array, port: number): string {
  const view = new DataView(address.buffer, address.byteOffset, address.length);
  const words: AddressWords =
    address.length === 4
      ? [0, 0, 0xffff, view.getInt32(0)]
      : [view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12)];
  return endpointText({ address: words, port });
}
