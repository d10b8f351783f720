import { FleetError } from "./fleet-error.ts";

/** Where the fleet store is. */
export interface FleetAddress {
  /** `http://lb-metrics:8123`, without user, password and database. */
  url: string;
  user: string;
  password: string;
  database: string;
}

export const DEFAULT_DATABASE = "l4scope";

/**
 * `http://[USER@]HOST:PORT[/DATABASE]` as the user gave it. The password comes from elsewhere, for a command line can be
 * read by every user of the host.
 *
 * @throws FleetError with a line that says what was expected
 */
export function parseFleetAddress(text: string, password = ""): FleetAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.search !== "" || url.hash !== "") {
    throw new FleetError(`--fleet ${text}: expected ClickHouse's HTTP address, like http://ch1:8123/l4scope`, "input");
  }
  if (url.password !== "") {
    const hint = "leave the password out of the address and set L4SCOPE_FLEET_PASSWORD";
    throw new FleetError(`--fleet: ${hint}`, "input");
  }
  const database = decodeURIComponent(url.pathname.replace(/^\/|\/$/g, "")) || DEFAULT_DATABASE;
  if (!/^[A-Za-z_]\w*$/.test(database)) {
    throw new FleetError(`--fleet ${text}: ${database} is no name of a database (letters, digits, _)`, "input");
  }
  return { url: url.origin, user: decodeURIComponent(url.username) || "default", password, database };
}
