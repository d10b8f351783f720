import type { IcmpError } from "../flow/neighbours.ts";
import type { Track } from "../path/leg-set.ts";
import type { Case } from "./case.ts";

/** An ICMP error and the track that saw it. */
export interface SeenError {
  track: Track;
  error: IcmpError;
}

/** Fragmentation needed (RFC 1191) or packet too big (RFC 4443 3.2). */
export function isTooBig({ ipVersion, type, code }: IcmpError): boolean {
  return ipVersion === 6 ? type === 2 : type === 3 && code === 4;
}

/** Every ICMP error of the run that is wanted, as often as it was seen. */
export function icmpErrors(subject: Case, isWanted: (error: IcmpError) => boolean): SeenError[] {
  const found: SeenError[] = [];
  for (const track of subject.connected.set.tracks) {
    for (const error of track.tracker.neighbourhood.icmpErrors) if (isWanted(error)) found.push({ track, error });
  }
  return found;
}

/** The quoted packet's ends as numbers of the run's endpoints. */
export function quotedEnds(subject: Case, error: IcmpError): { src: number; dst: number } {
  const { endpoints } = subject.connected;
  return {
    src: endpoints.ofWords(error.quotedSource, error.quotedSourcePort),
    dst: endpoints.ofWords(error.quotedDestination, error.quotedDestinationPort),
  };
}

/** One number for a pair of ends, for maps. */
export function pairKey(client: number, server: number): number {
  return client * 4294967296 + server;
}
