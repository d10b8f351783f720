import type { LiveHandle } from "../../src/live/live-handle.ts";
import type { FlowQuery, LiveFlow, LiveModel } from "../../src/live/live-model.ts";
import { NOW } from "./busy-model.ts";

/** A session that says what a test lets it say, and remembers what it was asked. */
export class FakeHandle implements LiveHandle {
  current: LiveModel;
  asked: FlowQuery[] = [];
  flowCount = 300;
  packetsText: Uint8Array | null = new Uint8Array([1, 2, 3]);
  readonly ended = new Promise<void>(() => {});

  constructor(model: LiveModel) {
    this.current = model;
  }

  model(): LiveModel {
    return this.current;
  }

  async flows(query: FlowQuery) {
    this.asked.push(query);
    const flows = Array.from({ length: Math.min(query.limit, this.flowCount) }, (_, i) => flowOf(i));
    return { matched: this.flowCount, flows };
  }

  async ladder(id: string) {
    return `ladder of ${id}\nSYN ──▶`;
  }

  async evidence(key: string) {
    return { key, text: `text of ${key}\n`, pcapng: new Uint8Array([9]), packets: 1, connections: 2, shown: 1 };
  }

  async packets() {
    return this.packetsText;
  }

  async stop() {}
}

export function flowOf(number: number): LiveFlow {
  return {
    id: `c${number}`,
    protocol: "tcp",
    client: `10.1.0.21:${40_000 + number}`,
    vip: "192.0.2.10:443",
    backend: number % 10 === 0 ? null : "10.2.0.11:8080",
    mode: "dnat",
    start: NOW - 60 + number / 10,
    end: NOW - 50 + number / 10,
    outcome: number % 3 === 0 ? "reset" : "ok",
    active: false,
    healthCheck: false,
    bytes: { up: 500, down: 50_000 },
    packets: { up: 10, down: 40 },
    retransmits: { up: 0, down: 1 },
    handshake: 0.0004,
    connectToBackend: 0.0001,
    reset: number % 3 === 0 ? { by: "lb", cause: "no-state", confidence: 0.97 } : null,
    path: ["client", "lb1", "rs1"],
    findings: [],
  };
}
