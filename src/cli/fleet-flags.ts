import { string as stringFlag } from "@oclif/core/flags";

/** Where the fleet's store is, for commands that write to it or ask it. */
export const FLEET_FLAG = {
  fleet: stringFlag({
    summary: "ClickHouse of the fleet, by its HTTP address; the password is in L4SCOPE_FLEET_PASSWORD.",
    helpValue: "http://[USER@]HOST:PORT[/DATABASE]",
  }),
};

/** The variable that has the fleet's password: a command line can be read by every user of a host. */
export function fleetPassword(): string {
  return process.env.L4SCOPE_FLEET_PASSWORD ?? "";
}
