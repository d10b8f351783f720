import type { AddressWords } from "../topology/address.ts";
import { HOST_ORDER } from "./event-head.ts";
import { ProbeError } from "./probe-error.ts";

/** An address or prefix, with a port or any. */
export interface AddressRule {
  words: AddressWords;
  /** Of the 128 bits of a mapped address, how many must be equal. */
  prefixBits: number;
  /** Null for any. */
  port: number | null;
}

/** Which connections to tell of. Of one kind any value lets pass; of different kinds all must hold. */
export interface ConnectionFilter {
  /** Either end. */
  addresses?: readonly AddressRule[] | undefined;
  /** Either end's. */
  ports?: readonly number[] | undefined;
  /** The end that was called; either where an event does not tell who called. */
  vips?: readonly AddressRule[] | undefined;
  pid?: number | undefined;
  /** The process's name, of which the kernel keeps 15 bytes. */
  comm?: string | undefined;
  /** Inode number of a network namespace. */
  netns?: number | undefined;
}

/** MAX_RULES of probes/include/filter.h. */
const MAX_RULES = 16;
/** Bytes of struct address_rule. */
const RULE_BYTES = 36;
const COMM_BYTES = 16;
const SIDE_EITHER = 0;
const SIDE_CALLED = 1;
const ANY: AddressWords = [0, 0, 0, 0];

/**
 * The constants of probes/include/filter.h that make the kernel apply a filter.
 *
 * @throws ProbeError where it has more addresses and ports than the kernel side has room for
 */
export function filterConstants(filter: ConnectionFilter): Record<string, number | Uint8Array> {
  const groups = [
    (filter.addresses ?? []).map((rule) => ({ ...rule, side: SIDE_EITHER })),
    (filter.ports ?? []).map((port) => ({ words: ANY, prefixBits: 0, port, side: SIDE_EITHER })),
    (filter.vips ?? []).map((rule) => ({ ...rule, side: SIDE_CALLED })),
  ];
  const rules = groups.flatMap((group, g) => group.map((rule) => ({ ...rule, group: 1 << g })));
  if (rules.length > MAX_RULES) {
    throw new ProbeError(`${rules.length} addresses and ports are more than the ${MAX_RULES} a filter can have`);
  }
  const bytes = new Uint8Array(MAX_RULES * RULE_BYTES);
  const view = new DataView(bytes.buffer);
  rules.forEach((rule, i) => {
    const at = i * RULE_BYTES;
    for (let word = 0; word < 4; word++) {
      const mask = wordMask(rule.prefixBits - 32 * word);
      view.setInt32(at + 4 * word, (rule.words[word] ?? 0) & mask);
      view.setInt32(at + 16 + 4 * word, mask);
    }
    view.setUint16(at + 32, rule.port ?? 0, HOST_ORDER);
    view.setUint8(at + 34, rule.side);
    view.setUint8(at + 35, rule.group);
  });
  const comm = Buffer.alloc(COMM_BYTES);
  if (filter.comm !== undefined) Buffer.from(filter.comm).copy(comm, 0, 0, COMM_BYTES - 1);
  return {
    filter_netns: filter.netns ?? 0,
    filter_pid: filter.pid ?? 0,
    filter_has_comm: filter.comm === undefined ? 0 : 1,
    filter_comm: comm,
    filter_rules: rules.length,
    filter_groups: rules.reduce((all, rule) => all | rule.group, 0),
    filter_rule: bytes,
  };
}

/** The upper bits of a word, from none for 0 and below to all for 32 and above. */
function wordMask(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}
