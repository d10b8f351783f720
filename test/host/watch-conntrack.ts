// Prints what connection tracking holds and tells, as JSON lines: node --import tsx THIS, in a namespace of its own.
import { type ConntrackEntry, ConntrackEvents, readConntrack } from "../../src/host/conntrack.ts";
import { endpointText } from "../../src/topology/address.ts";

const say = (kind: string, entry: ConntrackEntry) => {
  const { original, reply, ...rest } = entry;
  const words = [original.src, original.dst, reply.src, reply.dst].map(endpointText);
  process.stdout.write(`${JSON.stringify({ kind, tuples: words, ...rest })}\n`);
};
const events = ConntrackEvents.open(["new", "destroy"]);
if (events === null) throw new Error("koffi is missing");
process.stdout.write("ready\n");
process.stdin.once("data", () => {
  for (const { kind, entry } of events.poll()) say(kind, entry);
  for (const entry of readConntrack() ?? []) say("table", entry);
  events.close();
  process.exit(0);
});
