import { PacketBatch } from "../../src/capture/packet-batch.ts";

const SYN = 0x02;
const ACK = 0x10;
const FIN = 0x01;
const PSH = 0x08;
const FRAME_BYTES = 54;
const REQUEST_BYTES = 200;
const REPLY_BYTES = 1000;
/** What each connection sends: up or down, flags, payload, sequence numbers behind the initial ones. */
const SCRIPT = [
  { up: true, flags: SYN, payload: 0, seq: 0, ack: 0 },
  { up: false, flags: SYN | ACK, payload: 0, seq: 0, ack: 1 },
  { up: true, flags: ACK, payload: 0, seq: 1, ack: 1 },
  { up: true, flags: ACK | PSH, payload: REQUEST_BYTES, seq: 1, ack: 1 },
  { up: false, flags: ACK | PSH, payload: REPLY_BYTES, seq: 1, ack: 1 + REQUEST_BYTES },
  { up: true, flags: ACK | FIN, payload: 0, seq: 1 + REQUEST_BYTES, ack: 1 + REPLY_BYTES },
  { up: false, flags: ACK | FIN, payload: 0, seq: 1 + REPLY_BYTES, ack: 2 + REQUEST_BYTES },
] as const;
export const PACKETS_EACH = SCRIPT.length;
const PACKET_GAP_NS = 200_000;

/** Packets of short connections of many clients to one VIP, as a capture of headers (54 bytes each) holds them. */
export class ShortConnections {
  readonly batch = new PacketBatch();
  private readonly perSecond: number;
  private readonly open: number;
  private next = 0;
  private frame = 1;

  /** @param open connections that are left open: every so many-th; 0 for none */
  constructor(perSecond: number, open = 0) {
    this.perSecond = perSecond;
    this.open = open;
    this.batch.bytes = new Uint8Array(PacketBatch.CAPACITY * FRAME_BYTES);
    this.batch.view = new DataView(this.batch.bytes.buffer);
  }

  /** Connections made so far. */
  get made(): number {
    return this.next;
  }

  /** The batch filled with whole connections, `connections` at most. */
  fill(connections: number): PacketBatch {
    const { batch } = this;
    batch.firstFrame = this.frame;
    batch.count = 0;
    const most = Math.min(connections, Math.floor(PacketBatch.CAPACITY / PACKETS_EACH));
    const first = this.next;
    // one packet of each connection after the other, so that they overlap
    for (let step = 0; step < PACKETS_EACH; step++) {
      for (let i = 0; i < most; i++) {
        const connection = first + i;
        if (step >= 5 && this.open > 0 && connection % this.open === 0) continue;
        this.write(connection, step);
      }
    }
    this.next = first + most;
    this.frame += batch.count;
    return batch;
  }

  private write(connection: number, step: number): void {
    const { batch } = this;
    const { up, flags, payload, seq, ack } = SCRIPT[step]!;
    const n = batch.count++;
    const at = n * FRAME_BYTES;
    const v = batch.view;
    v.setUint32(at, 0x02000000 | (up ? 1 : 2));
    v.setUint16(at + 4, 0);
    v.setUint32(at + 6, 0x02000000 | (up ? 2 : 1));
    v.setUint16(at + 10, 0);
    v.setUint16(at + 12, 0x0800);
    const client = 0x0a000000 | (connection % 60_000);
    const port = 1024 + (Math.floor(connection / 60_000) % 64_000);
    v.setUint16(at + 14, 0x4500);
    v.setUint16(at + 16, 40 + payload);
    v.setUint32(at + 18, 0x4000);
    v.setUint16(at + 22, 0x4006);
    v.setUint16(at + 24, 0);
    v.setUint32(at + 26, up ? client : 0xc000020a);
    v.setUint32(at + 30, up ? 0xc000020a : client);
    v.setUint16(at + 34, up ? port : 443);
    v.setUint16(at + 36, up ? 443 : port);
    const isn = Math.imul(connection + 1, 0x9e3779b1);
    const peer = Math.imul(connection + 1, 0x85ebca77);
    v.setInt32(at + 38, ((up ? isn : peer) + seq) | 0);
    v.setInt32(at + 42, flags & ACK ? ((up ? peer : isn) + ack) | 0 : 0);
    v.setUint16(at + 46, 0x5000 | flags);
    v.setUint16(at + 48, 65_535);
    v.setUint32(at + 50, 0);
    batch.offset[n] = at;
    batch.captured[n] = FRAME_BYTES;
    batch.wire[n] = FRAME_BYTES + payload;
    batch.interface[n] = 0;
    const start = Math.floor(
      (Math.floor(connection / this.perSecond) + (connection % this.perSecond) / this.perSecond) * 1e9,
    );
    batch.time[n] = start + step * PACKET_GAP_NS;
  }
}
