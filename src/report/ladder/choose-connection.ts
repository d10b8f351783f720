import type { AddressWords } from "../../flow/leg-view.ts";
import type { Connected } from "../../path/connect.ts";
import type { Connection } from "../../path/connection.ts";
import { connectionOutcome } from "../../path/outcome.ts";
import { type AddressMatch, matchesAddress, parseAddressMatch } from "../flows/address-match.ts";
import { formatNumberOf } from "../format-quantity.ts";

/** Which connection is asked for: by its number, or by an end. */
export type FlowChoice = { id: number } | { match: AddressMatch; text: string };

/** The one connection asked for, or one line that says why there is none and what to ask for instead. */
export type Chosen = { connection: Connection; objection: null } | { connection: null; objection: string };

/** How many candidates an objection names. */
const NAMED = 5;

/**
 * Reads `10.1.0.21:40821`, `[2001:db8::1]:40821`, an address alone, or `c17`.
 *
 * @throws Error with one line that says what was expected.
 */
export function parseFlowChoice(text: string): FlowChoice {
  const id = /^c(\d+)$/.exec(text);
  if (id) return { id: Number(id[1]) };
  try {
    const match = parseAddressMatch(text);
    if (match.prefixBits === 128) return { match, text };
  } catch {
    // told below in the words of this flag
  }
  throw new Error(`expected a client's IP:PORT, [IPV6]:PORT or a connection's id such as c17, got ${text}`);
}

/**
 * Finds the connection that a choice means: the client's end, else the opener's of any of its legs.
 *
 * @param nth which of several, from 1, in the order of their starts; null where it was not said
 */
export function chooseConnection(
  connected: Connected,
  choice: FlowChoice,
  nth: number | null,
  timeText: (time: number) => string,
): Chosen {
  const { connections } = connected;
  if (connections.length === 0)
    return no("these captures hold no TCP or UDP connection; check that they are of the right traffic");
  if ("id" in choice) {
    if (nth !== null) return no(`--nth chooses among several connections of one end: c${choice.id} is one`);
    const connection = connections[choice.id];
    return connection
      ? { connection, objection: null }
      : no(`there is no c${choice.id}: the captures hold c0 to c${connections.length - 1}`);
  }
  const { match, text } = choice;
  const found = connections.filter(({ client }) => isEndpoint(connected, match, client));
  const candidates = found.length > 0 ? found : connections.filter((one) => opens(connected, one, match));
  if (candidates.length === 0) return no(noneText(connected, match, text));
  if (nth !== null) {
    const connection = candidates[nth - 1];
    return connection
      ? { connection, objection: null }
      : no(`--nth ${nth}: ${text} has ${formatNumberOf(candidates.length, "connection")} here`);
  }
  if (candidates.length === 1) return { connection: candidates[0]!, objection: null };
  const list = candidates.slice(0, NAMED).map((one, i) => `${i + 1}: ${describe(connected, one, timeText)}`);
  const more = candidates.length > NAMED ? `, and ${candidates.length - NAMED} more` : "";
  return no(`${text} has ${candidates.length} connections; choose with --nth or by id: ${list.join(", ")}${more}`);
}

function no(objection: string): Chosen {
  return { connection: null, objection };
}

function describe(connected: Connected, connection: Connection, timeText: (time: number) => string): string {
  const { endpoints, set } = connected;
  const client = endpoints.text(connection.client);
  const outcome = connectionOutcome(set, connection);
  return `c${connection.id} at ${timeText(connection.start)} ${client} to ${endpoints.text(connection.vip)} ${outcome}`;
}

function isEndpoint({ endpoints }: Connected, match: AddressMatch, endpoint: number): boolean {
  return !endpoints.isMac(endpoint) && matchesAddress(match, endpoints.address(endpoint), endpoints.port(endpoint));
}

/** Whether any leg was opened from there: behind a full NAT or a proxy the client has another end. */
function opens({ set }: Connected, connection: Connection, match: AddressMatch): boolean {
  return connection.legs.some((leg) => {
    const view = set.view(leg);
    return matchesAddress(match, view.src, view.srcPort);
  });
}

/** Why nobody has this end, and who comes nearest. */
function noneText(connected: Connected, match: AddressMatch, text: string): string {
  const { connections, endpoints } = connected;
  const called = connections.filter(({ vip }) => isEndpoint(connected, match, vip));
  const served = connections.filter(({ backend }) => backend !== null && isEndpoint(connected, match, backend));
  if (called.length > 0 || served.length > 0) {
    const [what, list] = called.length > 0 ? (["a VIP", called] as const) : (["a backend", served] as const);
    const clients = list.slice(0, NAMED - 2).map(({ client }) => endpoints.text(client));
    const flag = called.length > 0 ? "--vip" : "--backend";
    return `${text} is ${what} of ${formatNumberOf(list.length, "connection")}, not a client; give a client's end such as ${clients.join(", ")}, or list them: l4scope flows CAPTURE... ${flag} ${text}`;
  }
  const near = nearest(connected, match);
  return `no connection of ${text} in these captures; the nearest are ${near.join(", ")}`;
}

/** The clients with the same address and the nearest ports, else those with the most alike addresses. */
function nearest({ connections, endpoints }: Connected, match: AddressMatch): string[] {
  const clients = [...new Set(connections.map(({ client }) => client))].filter((client) => !endpoints.isMac(client));
  const distance = (client: number) => {
    const bits = commonBits(endpoints.address(client), match.words);
    const ports = match.port === null ? 0 : Math.abs(endpoints.port(client) - match.port);
    return (128 - bits) * 65536 + ports;
  };
  return clients
    .map((client) => ({ client, away: distance(client) }))
    .toSorted((a, b) => a.away - b.away)
    .slice(0, NAMED)
    .map(({ client }) => endpoints.text(client));
}

function commonBits(a: AddressWords, b: AddressWords): number {
  for (let i = 0; i < 4; i++) if (a[i] !== b[i]) return i * 32 + Math.clz32(a[i]! ^ b[i]!);
  return 128;
}
