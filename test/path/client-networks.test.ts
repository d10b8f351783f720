import { expect, test } from "vitest";
import { ClientCounter } from "../../src/path/client-networks.ts";
import { type AddressWords, parseAddress } from "../../src/topology/address.ts";

function networksOf(...clients: (string | AddressWords)[]): string[] {
  const counter = new ClientCounter();
  for (const client of clients) counter.add(typeof client === "string" ? parseAddress(client)! : client);
  return counter.networks().map(({ name, clients: count, connections }) => `${name} ${count}/${connections}`);
}

test("clients are put together by /24 and /64, the busiest first", () => {
  expect(
    networksOf("10.1.0.1", "10.1.0.2", "10.1.0.1", "10.1.1.9", "2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1"),
  ).toEqual(["10.1.0.0/24 2/3", "2001:db8::/64 2/2", "2001:db8:0:1::1 1/1", "10.1.1.9 1/1"]);
});

test("an IPv6 address that ends like an IPv4 one is another network", () => {
  expect(networksOf("0.0.0.5", "::5", "::ffff:0:0:5")).toEqual(["::/64 2/2", "0.0.0.5 1/1"]);
});

test("where there are too many, the small ones are folded into wider networks, and nobody is lost", () => {
  const clients: string[] = [];
  for (let i = 0; i < 5000; i++)
    clients.push(`${1 + ((i * 7919) % 223)}.${(i * 31) % 256}.${(i * 17) % 256}.${i % 256}`);
  for (let i = 0; i < 300; i++) clients.push(`10.1.0.${i % 12}`);
  for (let i = 0; i < 40; i++) clients.push(`2001:db8:${i.toString(16)}::1`);
  const counter = new ClientCounter();
  for (const client of clients) counter.add(parseAddress(client)!);
  const networks = counter.networks();
  expect(networks.length).toBeLessThanOrEqual(13);
  expect(networks.map(({ name }) => name)).toEqual(expect.arrayContaining(["10.1.0.0/24", "0.0.0.0/0"]));
  expect(networks.find(({ name }) => name === "10.1.0.0/24")).toMatchObject({ clients: 12 });
  expect(networks.reduce((sum, { connections }) => sum + connections, 0)).toBe(clients.length);
  expect(networks.reduce((sum, one) => sum + one.clients, 0)).toBe(new Set(clients).size);
});
