import type { FleetAddress } from "./fleet-address.ts";
import { Shipper, type ShipStats } from "./shipper.ts";

/** What is sent while something else goes on. */
export interface ShippingBeside {
  /** Sends what waits, and ends. Safe to call twice. */
  close(): Promise<ShipStats>;
}

/**
 * Sends a store while it is being written, by this process or another. Whatever befalls it is told and ends no recording.
 *
 * @throws StoreError where the store cannot be opened
 */
export async function shipBeside(
  path: string,
  address: FleetAddress,
  onNotice: (line: string) => void,
): Promise<ShippingBeside> {
  const shipper = await Shipper.open(path, address, { follow: true, onNotice });
  void shipper.run().catch((error: unknown) => {
    const line = error instanceof Error ? error.message : String(error);
    onNotice(`${line}; nothing more is sent to the fleet`);
  });
  let closing: Promise<ShipStats> | null = null;
  return {
    close: () => {
      closing ??= shipper.close();
      return closing;
    },
  };
}
