// Runs inside the emulated machine, from a copy of the built package: opens every probe, makes connections end in every
// way, and prints the events by probe as JSON. The second reset probe has to do without fentry.
import { execFileSync } from "node:child_process";
import { release } from "node:os";

const [packageFolder, trafficScript] = process.argv.slice(2);
const load = (path) => import(`${packageFolder}/dist/${path}`);
const { openManifest } = await load("src/probe/open-probe.js");
const { findManifest } = await load("src/probe/catalogue.js");

const opened = [];
for (const name of ["tcpconnect", "tcplife", "tcpretrans", "tcprst"]) {
  const manifest = await findManifest(name);
  opened.push({ key: name, manifest, probe: openManifest(manifest) });
}
const tcprst = await findManifest("tcprst");
const slots = tcprst.slots.map((slot) => ({
  ...slot,
  alternatives: slot.alternatives.filter(({ kind }) => kind !== "fentry"),
}));
opened.push({ key: "tcprst by kprobe", manifest: tcprst, probe: openManifest({ ...tcprst, slots }) });

execFileSync("python3", [trafficScript]);
const result = { release: release(), probes: {} };
for (const { key, manifest, probe } of opened) {
  const events = [];
  probe.stop();
  probe.poll((event) => events.push(manifest.document(event)));
  probe.close();
  result.probes[key] = { notes: probe.notes, counters: probe.counters(), events };
}
process.stdout.write(`${JSON.stringify(result)}\n`);
