import { expect, test } from "vitest";
import { errnoName } from "../../src/probe/errno-name.ts";
import { epochText } from "../../src/probe/event-columns.ts";
import { KernelSymbols } from "../../src/probe/kernel-symbols.ts";
import { flagsText } from "../../src/probe/tcp-flags.ts";
import { losses } from "../../src/probe/watch-probe.ts";

test("times keep their nanoseconds", () => {
  expect(epochText(1795181519601070043n)).toBe("1795181519.601070043");
  expect(epochText(5n)).toBe("0.000000005");
});

test("errors and flags have their names", () => {
  expect([0, 11, 111, 524].map(errnoName)).toEqual([null, "EAGAIN", "ECONNREFUSED", "524"]);
  expect(flagsText(0x12)).toBe("SYN|ACK");
});

test("losses are told, and silence is kept where there are none", () => {
  expect(losses({ sent: 5, delivered: 5, lost: 0, untracked: 0, missed: 0 })).toEqual([]);
  expect(losses({ sent: 5, delivered: 3, lost: 2, untracked: 7, missed: 1 }, "ended untold")).toEqual([
    "2 of 5 events were lost, for the ring buffer was full; narrow the filter",
    "1 more came while the probe was interrupted and were not seen",
    "7 ended untold",
  ]);
});

test("an address is in the function that begins before it", () => {
  const symbols = new KernelSymbols(
    "ffffffff81000100 T tcp_v4_rcv\nffffffff81000000 t _text\nffffffff81000200 D some_data\nffffffff81000180 t nf_hook [nf]\n",
  );
  expect(symbols.resolve(0xffffffff81000123n)).toEqual({ name: "tcp_v4_rcv", offsetBytes: 0x23 });
  expect(symbols.resolve(0xffffffff81000200n)).toEqual({ name: "nf_hook", offsetBytes: 0x80 });
  expect(symbols.resolve(1n)).toBeNull();
  expect(new KernelSymbols("0000000000000000 T hidden\n").areHidden).toBe(true);
});
