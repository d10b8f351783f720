import { readFlows } from "./flow-counts.ts";
import { FlowTap, type FlowTapOptions } from "./flow-tap.ts";
import {
  createFlowTapDecoder,
  FLOW_TAP_COLUMNS,
  type FlowTapEvent,
  flowDocument,
  flowTapDocument,
} from "./flow-tap-events.ts";
import { KernelClock } from "./kernel-clock.ts";
import type { ProbeOptions } from "./open-probe.ts";
import { type EventSource, type WatchOptions, watchEvents } from "./watch-probe.ts";

/**
 * Prints what the flow tap shows of interfaces until the duration is over or SIGINT or SIGTERM comes, then what it
 * counted.
 *
 * @throws ProbeError where it cannot be attached
 */
export async function watchFlowTap(options: FlowTapOptions & Omit<WatchOptions, keyof ProbeOptions>): Promise<void> {
  const clock = new KernelClock();
  let tap: FlowTap | null = null;
  const open = (): EventSource<FlowTapEvent> => {
    const opened = new FlowTap(options);
    tap = opened;
    const decode = createFlowTapDecoder(opened.interfaces, () => clock.epochOffsetNs);
    return {
      notes: [],
      poll: (onEvent) => opened.poll((bytes, offset, length) => onEvent(decode(bytes, offset, length))),
      counters: () => opened.counters(),
      map: () => opened.flows(),
      stop: () => opened.stop(),
      close: () => opened.close(),
    };
  };
  const totals = () => {
    if (tap === null) return [];
    const { interfaces } = tap;
    const flows = readFlows(tap);
    const packets = flows.reduce((sum, flow) => sum + flow.packets, 0);
    const documents = flows.map((flow) => ({
      sentence: "",
      document: flowDocument(flow, interfaces, clock.epochOffsetNs),
    }));
    if (options.json) return documents;
    return [
      { sentence: `${packets} packets of ${flows.length} directions of conversations were counted`, document: {} },
    ];
  };
  await watchEvents(
    open,
    {
      columns: FLOW_TAP_COLUMNS,
      document: flowTapDocument,
      totals,
      untracked: "packets were shown and not counted, for the map had no room",
    },
    options,
  );
}
