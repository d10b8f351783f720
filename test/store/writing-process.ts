// Writes connections into a store until it is killed, and says after each commit how many it holds: node THIS PATH
import { A_DAY, madeConnections } from "../../fixtures/bench/made-connections.ts";
import { StoreWriter } from "../../src/store/store-writer.ts";

const [path = ""] = process.argv.slice(2);
const writer = await StoreWriter.open(path, { command: "record", version: "1.2.3", host: "lb1", sources: ["eth0"] });
let told = 0;
for (;;) {
  for (const batch of madeConnections(A_DAY, 200)) {
    writer.addConnections(batch.map((one) => ({ ...one, pcapng: new Uint8Array(300) })));
    const { connections } = writer.stats;
    // synchronous, so that what was said was said before the process died
    if (connections > told) process.stdout.write(`${connections}\n`);
    told = connections;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
