import { expect, test } from "vitest";
import { tcpconnect } from "../../probes/tcpconnect/manifest.ts";
import { tcprst } from "../../probes/tcprst/manifest.ts";
import { chooseAttachments } from "../../src/probe/choose-attachments.ts";
import type { KernelFacts } from "../../src/probe/manifest.ts";

/** A kernel with all functions and these tracepoints. */
function kernel(tracepoints: Record<string, number>, hasKprobes = true): KernelFacts {
  return {
    tracepointArguments: (name) => tracepoints[name] ?? null,
    hasFunction: () => true,
    hasKprobes,
  };
}

const programs = (choice: { chosen: readonly { program: string }[] }) => choice.chosen.map(({ program }) => program);

test("a kernel that gives reasons needs no function to be watched", () => {
  const choice = chooseAttachments(tcprst.slots, kernel({ tcp_send_reset: 3, tcp_receive_reset: 1 }));
  expect(programs(choice)).toEqual(["sent_with_reason", "received"]);
  expect(choice.notes).toEqual([]);
});

test("an older one does, and it is said that reasons are missing", () => {
  const choice = chooseAttachments(tcprst.slots, kernel({ tcp_send_reset: 2, tcp_receive_reset: 1 }));
  expect(programs(choice)).toEqual(["sent", "received", "fentry_v4_send_reset", "fentry_v6_send_reset"]);
  expect(choice.notes).toEqual([expect.stringContaining("gives no reason")]);
});

test("a program that was refused gives way to the next", () => {
  const older = kernel({ tcp_send_reset: 2, tcp_receive_reset: 1 });
  const choice = chooseAttachments(tcprst.slots, older, new Set(["fentry_v4_send_reset"]));
  expect(programs(choice)).toContain("kprobe_v4_send_reset");
  expect(programs(choice)).toContain("fentry_v6_send_reset");
});

test("without any alternative the probe goes on and says once what it cannot see", () => {
  const choice = chooseAttachments(
    tcpconnect.slots,
    kernel({ inet_sock_set_state: 3 }),
    new Set(["connect_done_v4", "connect_done_v6"]),
  );
  expect(programs(choice)).toEqual(["state_changed"]);
  expect(choice.notes).toHaveLength(1);
});

test("a slot that must be filled and cannot be is missing", () => {
  const choice = chooseAttachments(tcprst.slots, kernel({ tcp_send_reset: 3 }));
  expect(choice.missing.map(({ hears }) => hears)).toEqual(["resets received"]);
});

test("kprobes are not chosen on a kernel without", () => {
  const older = kernel({ tcp_send_reset: 2, tcp_receive_reset: 1 }, false);
  const refused = new Set(["fentry_v4_send_reset", "fentry_v6_send_reset"]);
  expect(programs(chooseAttachments(tcprst.slots, older, refused))).toEqual(["sent", "received"]);
});
