import { readFlows } from "./flow-counts.ts";
import { FlowTap, type FlowTapOptions } from "./flow-tap.ts";
import {
  createFlowTapDecoder,
  FLOW_TAP_COLUMNS,
  type FlowTapEvent,
  flowDocument,
  flowTapDocument,
} from "./flow-tap-events.ts";
import { InterfaceWatch } from "./interface-watch.ts";
import { KernelClock } from "./kernel-clock.ts";
import type { ProbeOptions } from "./open-probe.ts";
import { ProbeError } from "./probe-error.ts";
import { type EventSource, type WatchOptions, watchEvents } from "./watch-probe.ts";

/**
 * Prints what the flow tap shows of interfaces until the duration is over or SIGINT or SIGTERM comes, then what it
 * counted.
 *
 * @throws ProbeError where it cannot be attached, and after all that once its interfaces are gone
 */
export async function watchFlowTap(options: FlowTapOptions & Omit<WatchOptions, keyof ProbeOptions>): Promise<void> {
  const clock = new KernelClock();
  let tap: FlowTap | null = null;
  let watch = new InterfaceWatch([]);
  const gone: string[] = [];
  const isOver = () => {
    const names = watch.takeGone();
    gone.push(...names);
    if (watch.areAllGone) return true;
    for (const name of names) options.tell(`${name} is gone`);
    return false;
  };
  const open = (): EventSource<FlowTapEvent> => {
    const opened = new FlowTap(options);
    tap = opened;
    watch = new InterfaceWatch(opened.interfaces);
    const decode = createFlowTapDecoder(opened.interfaces, () => clock.epochOffsetNs);
    return {
      notes: [],
      poll: (onEvent) => opened.poll((bytes, offset, length) => onEvent(decode(bytes, offset, length))),
      counters: () => opened.counters(),
      map: (name) => opened.map(name),
      isOver,
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
      untracked:
        "conversations gave way to others within a second of a packet, and with them their counts; raise --max-flows",
    },
    options,
  );
  if (watch.areAllGone) throw new ProbeError(`${gone.join(", ")} ${gone.length === 1 ? "is" : "are"} gone`);
}
