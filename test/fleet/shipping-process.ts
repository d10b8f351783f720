import { parseFleetAddress } from "../../src/fleet/fleet-address.ts";
import { Shipper } from "../../src/fleet/shipper.ts";

// Sends the store that is named first to the fleet that is named second, until it is killed; says when it begins.
const [store = "", fleet = ""] = process.argv.slice(2);
const shipper = await Shipper.open(store, parseFleetAddress(fleet), {
  follow: true,
  everySeconds: 0.05,
  batchRows: 50,
});
process.stdout.write("sending\n");
await shipper.run();
