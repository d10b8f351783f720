import { describe, expect, test } from "vitest";
import { literal } from "../../src/fleet/click-house.ts";
import { parseFleetAddress } from "../../src/fleet/fleet-address.ts";

describe("an address", () => {
  test("may leave out user and database", () => {
    expect(parseFleetAddress("http://ch1:8123")).toEqual({
      url: "http://ch1:8123",
      user: "default",
      password: "",
      database: "l4scope",
    });
  });

  test("may name both; the password comes from elsewhere", () => {
    expect(parseFleetAddress("https://me@ch1:8443/lbs", "secret")).toEqual({
      url: "https://ch1:8443",
      user: "me",
      password: "secret",
      database: "lbs",
    });
  });

  test.each([
    ["ch1:8123", /expected ClickHouse's HTTP address/],
    ["tcp://ch1:9000", /expected ClickHouse's HTTP address/],
    ["http://ch1:8123/?database=x", /expected ClickHouse's HTTP address/],
    ["http://me:secret@ch1:8123", /^--fleet: leave the password out of the address and set L4SCOPE_FLEET_PASSWORD$/],
    ["http://ch1:8123/a-b", /a-b is no name of a database/],
    ["http://ch1:8123/x;DROP TABLE y", /is no name of a database/],
  ])("%s is refused in a line", (text, line) => {
    expect(() => parseFleetAddress(text)).toThrow(line);
    expect(() => parseFleetAddress(text)).toThrow(expect.objectContaining({ kind: "input" }));
  });
});

test("a value cannot end its literal", () => {
  expect(literal("it's \\ ' OR 1")).toBe("'it\\'s \\\\ \\' OR 1'");
  expect(literal(5n)).toBe("5");
});
