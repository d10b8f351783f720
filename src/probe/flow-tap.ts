import { randomBytes } from "node:crypto";
import type { BpfMap } from "./bpf-map.ts";
import { BpfFailure, BpfObject } from "./bpf-object.ts";
import { objectPath } from "./catalogue.ts";
import { type ConnectionFilter, filterConstants } from "./connection-filter.ts";
import { FLOW_TABLE_MAPS, FlowTable, setsFor } from "./flow-table.ts";
import { requireHost } from "./host-check.ts";
import { explainFailure } from "./load-failure.ts";
import { circumstances } from "./open-probe.ts";
import { Probe, type ProbeCounters, type ProgramCost } from "./probe.ts";
import type { OnRecord } from "./ring-buffer.ts";
import { findInterface, TcAttachment, type TcProgram } from "./tc-attach.ts";
import type { KernelInterface } from "./traffic-control.ts";

export interface FlowTapOptions {
  /** Names of interfaces of this network namespace. */
  interfaces: readonly string[];
  /** Conversations to count and show; of messages (ARP, VRRP, ICMP errors) all are shown. */
  filter?: Pick<ConnectionFilter, "addresses" | "ports" | "vips">;
  /** Room for snapshots that wait: a power of two from 4096; 8 MiB unless told. */
  ringBytes?: number;
  /** Conversations that are counted at once; 131,072 unless told. The idlest give way. */
  maxFlows?: number;
}

const RING_BYTES = 8 << 20;
const MAX_FLOWS = 131_072;
/** Of probes/flowtap/table.h. */
const HASH_SECRETS_BYTES = 48;
/** ARPHRD_ numbers of devices whose packets begin with an Ethernet header: Ethernet and loopback. */
const WITH_ETHERNET: ReadonlySet<number> = new Set([1, 772]);
const ARPHRD_LOOPBACK = 772;
/** The manifest's part that the host is checked by. The coarse clock is the newest that it needs. */
const NEEDS = {
  name: "flowtap",
  minKernel: "5.11",
  capabilities: ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"],
} as const;

/** True for a device whose packets begin with an Ethernet header, and not with that of IP. */
export function hasEthernet({ hardware }: KernelInterface): boolean {
  return WITH_ETHERNET.has(hardware);
}

/**
 * The classifiers of probes/flowtap on interfaces, both directions: counts of every conversation in a map, and snapshots
 * of the packets that tell their story.
 */
export class FlowTap {
  readonly interfaces: readonly KernelInterface[];
  private readonly object: BpfObject;
  private readonly attachment: TcAttachment;
  private readonly probe: Probe<undefined>;
  private readonly table: FlowTable;
  private onSnapshot: OnRecord = () => {};

  /** @throws ProbeError in one line; nothing is left attached then */
  constructor({ interfaces, filter = {}, ringBytes = RING_BYTES, maxFlows = MAX_FLOWS }: FlowTapOptions) {
    requireHost(NEEDS);
    this.interfaces = interfaces.map(findInterface);
    const { programs, uses } = programsFor(this.interfaces);
    this.object = load(programs, filterConstants(filter), ringBytes, maxFlows);
    try {
      this.probe = new Probe(this.object, {
        programs,
        notes: [],
        decode: (bytes, offset, length) => void this.onSnapshot(bytes, offset, length),
        pageBytes: this.object.native.pageBytes(),
      });
      this.table = new FlowTable(this.object);
      this.attachment = new TcAttachment(
        uses.map(({ program, ...use }) => ({ ...use, programFd: this.object.programFd(program) })),
      );
    } catch (error) {
      this.object.close();
      throw error;
    }
  }

  /**
   * Hands over snapshots (struct snapshot of flowtap.bpf.c; see snapshot.ts) that came since the last call. Never waits.
   *
   * @returns how many
   */
  poll(onSnapshot: OnRecord, most?: number): number {
    this.onSnapshot = onSnapshot;
    return this.probe.poll(() => {}, most);
  }

  counters(): ProbeCounters {
    return this.probe.counters();
  }

  /** The counts of conversations; see flow-counts.ts. */
  flows(): FlowTable {
    return this.table;
  }

  /** A map of the programs'. */
  map(name: string): BpfMap {
    return this.object.map(name);
  }

  /** Packets looked at and what that has cost; zeros unless `sysctl kernel.bpf_stats_enabled=1`. */
  cost(): ProgramCost {
    return this.probe.cost();
  }

  /** Takes the classifiers off: no more snapshots come, and those that wait can still be polled. */
  stop(): void {
    this.attachment.detach();
  }

  /** Stops, and gives everything back. The counters stay readable. */
  close(): void {
    this.stop();
    this.table.close();
    this.probe.close();
  }
}

/** Which programs are needed, and which goes where. */
function programsFor(interfaces: readonly KernelInterface[]) {
  const uses = interfaces.flatMap((each): (Omit<TcProgram, "programFd"> & { program: string })[] => {
    const suffix = hasEthernet(each) ? "" : "_l3";
    const use = { ifindex: each.index, interfaceName: each.name };
    const ingress = { ...use, side: "ingress", program: `l4scope_in${suffix}` } as const;
    // what leaves by lo comes in by it
    if (each.hardware === ARPHRD_LOOPBACK) return [ingress];
    return [ingress, { ...use, side: "egress", program: `l4scope_out${suffix}` }];
  });
  return { uses, programs: [...new Set(uses.map(({ program }) => program))] };
}

function load(
  programs: readonly string[],
  constants: Record<string, number | Uint8Array>,
  ringBytes: number,
  maxFlows: number,
): BpfObject {
  const object = new BpfObject(objectPath(NEEDS.name));
  try {
    // classifiers know neither process nor network namespace, so these two are not among the object's constants
    const { filter_rules, filter_groups, filter_rule } = constants;
    object.setConstants({
      sets_mask: setsFor(maxFlows) - 1,
      hash_secrets: randomBytes(HASH_SECRETS_BYTES),
      filter_rules: filter_rules ?? 0,
      filter_groups: filter_groups ?? 0,
      filter_rule: filter_rule ?? new Uint8Array(),
    });
    object.setMaxEntries("events", ringBytes);
    const sets = setsFor(maxFlows);
    for (const map of FLOW_TABLE_MAPS) object.setMaxEntries(map, sets);
    for (const program of object.programNames) object.setAutoload(program, programs.includes(program));
    object.load();
    return object;
  } catch (error) {
    object.close();
    throw error instanceof BpfFailure ? explainFailure(NEEDS.name, error, circumstances()) : error;
  }
}
