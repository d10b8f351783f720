import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Btf } from "../../src/probe/btf.ts";
import { ProbeError } from "../../src/probe/probe-error.ts";
import { requires } from "../support/requirement.ts";
import { BtfBuilder } from "./btf-builder.ts";

const INT = 1;
const PTR = 2;
const STRUCT = 4;
const ENUM = 6;
const TYPEDEF = 8;
const FUNC = 12;
const FUNC_PROTO = 13;
const VAR = 14;
const DATASEC = 15;
const ENUM64 = 19;

function sample(): Btf {
  const btf = new BtfBuilder();
  const int = btf.add(INT, { name: "int", size: 4, members: [0x20] });
  // a struct of the enum's name, and members between, must not mislead
  btf.add(STRUCT, { name: "sk_rst_reason", size: 4, length: 1, members: [btf.string("x"), int, 0] });
  const [first, second] = [btf.string("SK_RST_REASON_NO_SOCKET"), btf.string("SK_RST_REASON_TCP_FLAGS")];
  btf.add(ENUM, { name: "sk_rst_reason", size: 4, length: 2, members: [first, 1, second, 6] });
  btf.add(ENUM64, { name: "wide", size: 8, length: 1, members: [btf.string("W_ONE"), 1, 0] });
  const proto = btf.add(FUNC_PROTO, { length: 4, members: [0, int, 0, int, 0, int, 0, int] });
  const pointer = btf.add(PTR, { size: proto });
  btf.add(TYPEDEF, { name: "btf_trace_tcp_send_reset", size: pointer });
  btf.add(FUNC, { name: "tcp_v4_connect", size: proto });
  const pid = btf.add(VAR, { name: "filter_pid", size: int, members: [1] });
  const comm = btf.add(VAR, { name: "filter_comm", size: int, members: [1] });
  btf.add(DATASEC, { name: ".rodata", size: 20, length: 2, members: [pid, 0, 4, comm, 4, 16] });
  return new Btf(btf.build());
}

describe("BTF", () => {
  test("gives an enum's names, whatever else is called so", () => {
    expect([...(sample().enumNames("sk_rst_reason") ?? [])]).toEqual([
      [1, "SK_RST_REASON_NO_SOCKET"],
      [6, "SK_RST_REASON_TCP_FLAGS"],
    ]);
    expect([...(sample().enumNames("wide") ?? [])]).toEqual([[1, "W_ONE"]]);
    expect(sample().enumNames("rst_reason")).toBeNull();
  });

  test("counts a tracepoint's arguments without its own first", () => {
    expect(sample().tracepointArguments("tcp_send_reset")).toBe(3);
    expect(sample().tracepointArguments("tcp_receive_reset")).toBeNull();
  });

  test("knows functions", () => {
    expect(sample().hasFunction("tcp_v4_connect")).toBe(true);
    expect(sample().hasFunction("int")).toBe(false);
  });

  test("tells where a section's variables lie", () => {
    expect(sample().sectionVariables(".rodata")).toEqual([
      { name: "filter_pid", offsetBytes: 0, sizeBytes: 4 },
      { name: "filter_comm", offsetBytes: 4, sizeBytes: 16 },
    ]);
    expect(sample().sectionVariables(".data")).toEqual([]);
  });

  test("refuses what is none, cut short or newer than it knows", () => {
    expect(() => new Btf(Buffer.from("not"))).toThrow(ProbeError);
    const whole = new BtfBuilder();
    whole.add(INT, { name: "int", size: 4, members: [0x20] });
    expect(() => new Btf(whole.build().subarray(0, 40))).toThrow("BTF is cut short");
    const unknown = new BtfBuilder();
    unknown.add(30, { name: "new" });
    expect(() => new Btf(unknown.build()).enumNames("new")).toThrow("kind 30");
  });

  const need = requires({ path: "/sys/kernel/btf/vmlinux" });
  test.skipIf(need.missing)("is read from the running kernel", () => {
    const btf = new Btf(readFileSync("/sys/kernel/btf/vmlinux"));
    expect(btf.enumNames("tcp_ca_state")?.get(4)).toBe("TCP_CA_Loss");
    expect(btf.tracepointArguments("inet_sock_set_state")).toBe(3);
    expect(btf.hasFunction("tcp_v4_connect")).toBe(true);
  });
});
