import type { LegRef } from "./leg-set.ts";

/** From client to backend, or back. */
export type Direction = "up" | "down";

/** One packet of a leg as its capture holds it: what a second pass over the captures brings back. */
export interface LegPacket {
  leg: LegRef;
  /** Index of the capture in the run, and of the interface in the capture. */
  capture: number;
  interface: number;
  linkType: number;
  /** Which way it travels; an ICMP error against what it quotes. */
  direction: Direction;
  /** As Wireshark counts it in its file, from 1. */
  frame: number;
  /** By the capture's own clock, ns since the run's base; NaN where the file has none. */
  time: number;
  wireLength: number;
  /** From the link layer on; fewer than `wireLength` where the capture, or the one who asked, cut it. */
  bytes: Uint8Array;
  /** An ICMP error that quotes the leg, not a packet of its own. */
  isError: boolean;
}
