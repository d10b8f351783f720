import { expect, test } from "vitest";
import { filterConstants } from "../../src/probe/connection-filter.ts";

test("no filter lets everything pass", () => {
  expect(filterConstants({})).toMatchObject({ filter_netns: 0, filter_pid: 0, filter_has_comm: 0, filter_rules: 0 });
});

test("rules are alternatives within a group, groups add up", () => {
  const constants = filterConstants({
    addresses: [{ words: [0, 0, 0xffff, 0x0a020b00], prefixBits: 120, port: null }],
    ports: [80, 443],
    vips: [{ words: [0x20010db8, 0, 0, 1], prefixBits: 128, port: 443 }],
  });
  expect(constants.filter_rules).toBe(4);
  expect(constants.filter_groups).toBe(0b111);
  const rules = Buffer.from(constants.filter_rule as Uint8Array);
  // 10.2.11.0/24, host bits gone
  expect(rules.toString("hex", 0, 32)).toBe("00000000000000000000ffff0a020b00ffffffffffffffffffffffffffffff00");
  // any address, port 443
  expect(rules.toString("hex", 72, 104)).toBe("00".repeat(32));
  expect(new Uint16Array(new Uint8Array(rules.subarray(104, 106)).buffer)[0]).toBe(443);
  expect([...rules.subarray(34, 36), ...rules.subarray(142, 144)]).toEqual([0, 1, 1, 4]);
});

test("a process's name is cut as the kernel cuts it", () => {
  const { filter_comm } = filterConstants({ comm: "a-name-of-more-than-15-bytes" });
  expect(Buffer.from(filter_comm as Uint8Array).toString("latin1")).toBe("a-name-of-more-\0");
});

test("more rules than there is room for are refused in one line", () => {
  const ports = Array.from({ length: 17 }, (_, i) => i + 1);
  expect(() => filterConstants({ ports })).toThrow("17 addresses and ports are more than the 16");
});
