import type { HashBackend } from "../../balance/selection/selection.ts";
import { type AddressWords, endpointText, isIpv4, parseAddress, parseEndpoint } from "../../topology/address.ts";
import { suggestion } from "./nearest-names.ts";
import { QuestionError } from "./question-error.ts";

const MOST_WEIGHT = 65_535;
const MOST_IN_RANGE = 4096;
const EXPECTED = "expected ADDRESS:PORT, ADDRESS:PORT=WEIGHT or a range such as 10.2.0.11..20:8080";

/**
 * Reads `10.2.0.11:8080`, `[2001:db8::11]:8080=2` or a range, `10.2.0.11..20:8080=2`: both ends are of it.
 *
 * @throws QuestionError
 */
export function parseBackends(text: string): HashBackend[] {
  const [, endpoint = text, weightText] = /^(.*?)=(.*)$/.exec(text) ?? [];
  const weight = weightText === undefined ? 1 : parseWeight(weightText, text);
  const range = /^(\d+\.\d+\.\d+\.)(\d+)\.\.(\d+\.\d+\.\d+\.)?(\d+):(\d+)$/.exec(endpoint);
  if (range === null) return [backendOf(endpoint, weight, text)];
  const [, network = "", first = "", lastNetwork = network, last = "", port = ""] = range;
  const low = parseAddress(network + first);
  const high = parseAddress(lastNetwork + last);
  if (low === null || high === null) throw wrong(text);
  const count = (high[3] >>> 0) - (low[3] >>> 0) + 1;
  if (count < 1) throw new QuestionError(`${text}: the range ends before it begins`);
  if (count > MOST_IN_RANGE)
    throw new QuestionError(`${text}: ${count} backends; a range has ${MOST_IN_RANGE} at most`);
  return Array.from({ length: count }, (_, i) => {
    const address: AddressWords = [low[0], low[1], low[2], (low[3] + i) | 0];
    return backendOf(endpointText({ address, port: Number(port) }), weight, text);
  });
}

/** Reads `10.2.0.11:8080=2` of a backend that is there. */
export function parseReweigh(text: string, backends: readonly HashBackend[]): { name: string; weight: number } {
  const [, endpoint, weight] = /^(.*)=(.*)$/.exec(text) ?? [];
  if (endpoint === undefined || weight === undefined) {
    throw new QuestionError(`${text}: expected ADDRESS:PORT=WEIGHT`);
  }
  return { name: nameOf(endpoint, backends), weight: parseWeight(weight, text) };
}

/** The name of a backend that is there, as the user typed it; the port may be left out where the address says enough. */
export function nameOf(text: string, backends: readonly HashBackend[]): string {
  const names = backends.map(({ name }) => name);
  const endpoint = parseEndpoint(text);
  const name = endpoint === null ? text : endpointText(endpoint);
  if (names.includes(name)) return name;
  const address = parseAddress(text);
  const same = address === null ? [] : backends.filter((one) => isSame(one.address, addressBytes(address)));
  if (same.length === 1) return same[0]!.name;
  throw new QuestionError(`no backend ${text}${suggestion(text, names)}`);
}

/** 4 or 16 bytes in network order. */
export function addressBytes(address: AddressWords): Uint8Array {
  const words = isIpv4(address) ? address.slice(3) : address;
  return Uint8Array.from(words.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]));
}

/** @throws QuestionError where two are the same */
export function requireDistinct(backends: readonly HashBackend[]): void {
  const seen = new Set<string>();
  for (const { name } of backends) {
    if (seen.has(name)) throw new QuestionError(`backend ${name} is given twice`);
    seen.add(name);
  }
}

function backendOf(text: string, weight: number, given: string): HashBackend {
  const endpoint = parseEndpoint(text);
  if (endpoint === null) throw wrong(given);
  return { name: endpointText(endpoint), address: addressBytes(endpoint.address), port: endpoint.port, weight };
}

function parseWeight(text: string, given: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > MOST_WEIGHT) {
    throw new QuestionError(`${given}: a weight is a whole number from 0 to ${MOST_WEIGHT}`);
  }
  return Number(text);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function wrong(text: string): QuestionError {
  return new QuestionError(`${text}: ${EXPECTED}`);
}
