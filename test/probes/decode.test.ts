import { describe, expect, test } from "vitest";
import { failureOf } from "../../probes/tcpconnect/decode.ts";
import { createDecoder as decodeTcplife, howEnded } from "../../probes/tcplife/decode.ts";
import { createDecoder as decodeTcpretrans } from "../../probes/tcpretrans/decode.ts";
import { causeOf, createDecoder as decodeTcprst } from "../../probes/tcprst/decode.ts";

const context = {
  epochOffsetNs: 1_000_000_000_000n,
  enumNames: (name: string) =>
    new Map(name === "sk_rst_reason" ? [[1, "SK_RST_REASON_NO_SOCKET"]] : [[4, "TCP_CA_Loss"]]),
};

/** An event head with 10.1.0.1:80 and [2001:db8::1]:40001, behind 8 bytes as in the ring buffer. */
function event(bytes: number, fill: (view: DataView, at: number) => void): DataView {
  const view = new DataView(new ArrayBuffer(8 + bytes));
  view.setBigUint64(8, 5_000_000_000n, true);
  view.setUint32(8 + 16, 0xffff);
  view.setUint32(8 + 20, 0x0a010001);
  view.setUint32(8 + 24, 0x20010db8);
  view.setUint32(8 + 36, 1);
  view.setUint16(8 + 40, 80, true);
  view.setUint16(8 + 42, 40001, true);
  view.setUint32(8 + 44, 4026531840, true);
  fill(view, 8);
  return view;
}

test("tcplife reads the kernel's record", () => {
  const view = event(120, (bytes, at) => {
    bytes.setUint32(at + 48, 77, true);
    Buffer.from("nginx\0rubbish").copy(Buffer.from(bytes.buffer), at + 52);
    bytes.setUint8(at + 68, 9);
    bytes.setUint8(at + 69, 1);
    bytes.setBigUint64(at + 72, 3_000_000_000n, true);
    bytes.setBigUint64(at + 80, 3_500_000_000n, true);
    bytes.setBigUint64(at + 88, 1000n, true);
    bytes.setBigUint64(at + 96, 2n ** 40n, true);
    bytes.setUint32(at + 104, 250, true);
    bytes.setUint32(at + 108, 3, true);
  });
  expect(decodeTcplife(context)(view, 8, 120)).toEqual({
    timeNs: 1_005_000_000_000n,
    local: { address: [0, 0, 0xffff, 0x0a010001], port: 80 },
    remote: { address: [0x20010db8, 0, 0, 1], port: 40001 },
    netns: 4026531840,
    pid: 77,
    comm: "nginx",
    state: "LAST_ACK",
    role: "connect",
    durationSeconds: 1.5,
    handshakeSeconds: 0.5,
    sentBytes: 1000,
    receivedBytes: 2 ** 40,
    retransmits: 3,
    smoothedRttSeconds: 0.00025,
    ended: "fin",
    errno: 0,
  });
});

test("tcprst reads the kernel's record, with the running kernel's names", () => {
  const view = event(96, (bytes, at) => {
    bytes.setInt32(at + 72, 1, true);
    bytes.setUint32(at + 84, 1000, true);
    bytes.setUint32(at + 88, 0, true);
    bytes.setUint8(at + 92, 2);
  });
  expect(decodeTcprst(context)(view, 8, 96)).toMatchObject({
    direction: "sent",
    reason: "NO_SOCKET",
    cause: "refused",
    state: null,
    pid: null,
    answered: { flags: 2, seq: 1000, ack: 0 },
    backlog: null,
  });
});

test("tcpretrans reads the kernel's record", () => {
  const view = event(88, (bytes, at) => {
    bytes.setUint8(at + 68, 2);
    bytes.setUint32(at + 72, 0xfffffff0, true);
    bytes.setUint32(at + 76, 1, true);
    bytes.setInt32(at + 80, -16, true);
    bytes.setUint8(at + 84, 2);
    bytes.setUint8(at + 85, 4);
    bytes.setUint8(at + 86, 1);
  });
  expect(decodeTcpretrans(context)(view, 8, 88)).toMatchObject({
    what: "syn",
    seq: 0xfffffff0,
    length: 1,
    congestion: "Loss",
    timeouts: 1,
    error: "EBUSY",
  });
});

describe("how a connection ended", () => {
  test.each([
    ["fin", "LAST_ACK", 0, 3],
    ["fin", "FIN_WAIT2", 0, 3],
    ["fin", "CLOSING", 0, 3],
    ["reset-received", "ESTABLISHED", 104, 0],
    ["reset-received", "CLOSE_WAIT", 32, 1],
    ["reset-sent", "ESTABLISHED", 0, 3],
    ["reset-sent", "CLOSE_WAIT", 0, 3],
    ["reset-sent", "FIN_WAIT1", 0, 3],
    ["reset", "FIN_WAIT2", 104, 3],
    ["refused", "SYN_SENT", 111, 0],
    ["timeout", "ESTABLISHED", 110, 0],
    ["unreachable", "SYN_SENT", 113, 0],
    ["given-up", "SYN_SENT", 0, 3],
    ["failed", "SYN_SENT", 0, 0],
    ["aborted", "ESTABLISHED", 103, 0],
    ["error", "ESTABLISHED", 71, 0],
  ])("%s from %s with errno %i and shutdown %i", (ended, state, errno, shutdown) => {
    expect(howEnded({ state, errno, shutdown, localPort: 40000 })).toBe(ended);
  });

  test("no local port was free", () => {
    expect(howEnded({ state: "SYN_SENT", errno: 0, shutdown: 0, localPort: 0 })).toBe("no-port");
  });
});

describe("why a connect failed", () => {
  test.each([
    ["refused", "ECONNREFUSED", 0, 40000],
    ["timeout", "ETIMEDOUT", 0, 40000],
    ["unreachable", "ENETUNREACH", 0, 0],
    ["no-port", "EADDRNOTAVAIL", 0, 0],
    ["no-port", null, 0, 0],
    ["given-up", null, 3, 40000],
    ["failed", null, 0, 40000],
    ["failed", "ENOBUFS", 0, 40000],
  ])("%s of %s", (outcome, error, shutdown, localPort) => {
    expect(failureOf({ error, shutdown, localPort })).toBe(outcome);
  });
});

describe("why a reset was sent", () => {
  const nothing = { reason: null, state: null, flags: 0, backlog: null, pid: null };
  const [SYN, ACK, DATA] = [0x02, 0x10, 0x18];
  test.each([
    ["refused", { reason: "NO_SOCKET", flags: SYN }],
    ["no-state", { reason: "NO_SOCKET", flags: ACK }],
    ["refused", { flags: SYN }],
    ["overflow", { reason: "INVALID_SYN", state: "LISTEN", flags: DATA, backlog: { length: 2, limit: 1 } }],
    ["no-state", { state: "LISTEN", flags: ACK, backlog: { length: 0, limit: 128 } }],
    ["abort", { reason: "TCP_ABORT_ON_CLOSE", state: "CLOSE", pid: 1 }],
    ["abort", { reason: "TCP_STATE", state: "CLOSE" }],
    ["abort", { state: "CLOSE", pid: 1 }],
    ["abort", { state: "CLOSE" }],
    [null, { state: "ESTABLISHED" }],
    ["late-data", { reason: "TCP_TIMEWAIT_SOCKET", state: "TIME_WAIT", flags: DATA }],
    ["late-data", { reason: "TCP_ABORT_ON_DATA", state: "FIN_WAIT1", flags: DATA }],
    [null, { reason: "TCP_KEEPALIVE_TIMEOUT", state: "ESTABLISHED" }],
    [null, { reason: "INVALID_SYN", state: "ESTABLISHED", flags: SYN }],
  ])("%s of %o", (cause, facts) => expect(causeOf({ ...nothing, ...facts })).toBe(cause));
});
