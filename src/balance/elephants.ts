/** What a flow carried, and the member that it was given to. */
export interface Load<Flow> {
  flow: Flow;
  member: string;
  bytes: number;
}

/** Few flows that carry most of what a member carries. */
export interface Elephants<Flow> {
  member: string;
  /** Largest first. */
  flows: readonly Flow[];
  bytes: number;
  /** Of all bytes: what the member carries, and what it would at an even share. */
  share: number;
  evenShare: number;
}

/** Flows that may be called few. */
const FEW = 5;
/** What they carry at least: less is no load. */
const MIN_BYTES = 1_000_000;
/** Share of their member's bytes that they carry. */
const MOST = 0.5;

/**
 * The flows that make one member carry more bytes than others although flows are given evenly: without them it would
 * be below the line that makes it stand out.
 *
 * @param excess bytes over an even share from which on somebody would care
 */
export function elephantsAmong<Flow>(
  loads: readonly Load<Flow>[],
  members: number,
  excess: number,
): Elephants<Flow> | null {
  const bytes = new Map<string, number>();
  let total = 0;
  for (const load of loads) {
    bytes.set(load.member, (bytes.get(load.member) ?? 0) + load.bytes);
    total += load.bytes;
  }
  if (members < 2 || total === 0) return null;
  const [member, most] = [...bytes].reduce((best, entry) => (entry[1] > best[1] ? entry : best));
  if (most < (excess * total) / members) return null;
  const own = loads.filter((load) => load.member === member).sort((a, b) => b.bytes - a.bytes);
  let carried = 0;
  for (let count = 1; count <= Math.min(FEW, own.length - 1); count++) {
    carried += own[count - 1]!.bytes;
    const rest = most - carried;
    if (carried < Math.max(MIN_BYTES, most * MOST) || rest >= (excess * (total - carried)) / members) continue;
    const flows = own.slice(0, count).map(({ flow }) => flow);
    return { member, flows, bytes: carried, share: most / total, evenShare: 1 / members };
  }
  return null;
}
