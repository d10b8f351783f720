import { parentPort, workerData } from "node:worker_threads";
import { ImportedConnections } from "../topology/imported-connections.ts";
import type { Topology } from "../topology/topology.ts";
import { LiveDriver } from "./live-driver.ts";
import type { LiveListener } from "./live-handle.ts";
import { MACHINE_TIMING } from "./machine-timing.ts";
import { ModelSender } from "./model-transfer.ts";
import { openStdin } from "./open-stdin.ts";
import { type FromSession, type LiveWorkerData, type ToSession, tellError } from "./worker-protocol.ts";

const { options, tells } = workerData as LiveWorkerData;
const port = parentPort!;
const send = (message: FromSession) => port.postMessage(message);
let took: ((failure: string | null) => void) | null = null;

const models = new ModelSender();

const listener: LiveListener = {
  model: (model) => send({ kind: "model", message: models.message(model) }),
};
if (tells.finding) listener.finding = (finding, change) => send({ kind: "finding", finding, change });
const sendAndWait = async (message: FromSession) => {
  send(message);
  const failure = await new Promise<string | null>((resolve) => {
    took = resolve;
  });
  if (failure !== null) throw new Error(failure);
};
if (tells.settled) listener.settled = (connections) => sendAndWait({ kind: "settled", connections });
if (tells.unsettled) listener.unsettled = (told) => sendAndWait({ kind: "unsettled", told });

const readsStdin = options.sources.some((spec) => spec.kind === "stream" && spec.path === "-");
const driver = new LiveDriver(
  {
    ...options,
    ...(readsStdin ? { stdin: openStdin() } : {}),
    ...(options.topology ? { topology: restored(options.topology) } : {}),
  },
  listener,
  MACHINE_TIMING,
);

port.on("message", (message: ToSession) => {
  if (message.kind === "stop") void driver.stop();
  else if (message.kind === "took") took?.(message.failure);
  else void answer(message);
});

try {
  await driver.start();
  send({ kind: "started" });
  void driver.ended.then(() => send({ kind: "ended" }));
} catch (error) {
  send({ kind: "refused", error: tellError(error) });
}

async function answer({ id, name, args }: Extract<ToSession, { kind: "query" }>): Promise<void> {
  try {
    const ask = driver[name].bind(driver) as (...given: readonly unknown[]) => Promise<unknown>;
    send({ kind: "answer", id, value: await ask(...args), error: null });
  } catch (error) {
    send({ kind: "answer", id, value: null, error: tellError(error) });
  }
}

/** A topology as it comes from another thread has lost its class. */
function restored(topology: Topology): Topology {
  return { ...topology, connections: Object.assign(new ImportedConnections(), topology.connections) };
}
