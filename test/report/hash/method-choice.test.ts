import { describe, expect, test } from "vitest";
import { METHODS } from "../../../src/balance/selection/methods.ts";
import type { SelectionMethod } from "../../../src/balance/selection/selection.ts";
import { chooseMethods, type MethodWishes } from "../../../src/report/hash/method-choice.ts";
import { methodListDocument, methodListText } from "../../../src/report/hash/method-list.ts";
import { nearestNames } from "../../../src/report/hash/nearest-names.ts";
import { parseOptionValue } from "../../../src/report/hash/option-value.ts";
import { createPage } from "../../../src/report/text/page.ts";
import { modulo, rendezvous } from "../../balance/what-if/sample-methods.ts";

const TWO: SelectionMethod[] = [modulo, rendezvous];
const choose = (wishes: Partial<MethodWishes>, all: readonly SelectionMethod[] = TWO) =>
  chooseMethods(all, { methods: [], options: [], isCompared: false, ...wishes }).map(
    ({ label, options }) => `${label} ${JSON.stringify(options)}`,
  );

describe("methods asked for", () => {
  test("none is all, one is one, and compared with all the others behind it", () => {
    expect(choose({})).toEqual(["modulo-sample {}", "rendezvous-sample {}"]);
    expect(choose({ methods: ["rendezvous-sample"] })).toEqual(["rendezvous-sample {}"]);
    expect(choose({ methods: ["rendezvous-sample"], isCompared: true })).toEqual([
      "rendezvous-sample {}",
      "modulo-sample {}",
    ]);
  });

  test("the same with other options stands beside itself, and says by what it differs", () => {
    expect(choose({ methods: ["modulo-sample", "modulo-sample:salt=0x10,fields=src"] })).toEqual([
      "modulo-sample {}",
      'modulo-sample salt=16 fields=src {"salt":16,"fields":["src"]}',
    ]);
    expect(choose({ methods: ["modulo-sample:salt=16"] })).toEqual(['modulo-sample {"salt":16}']);
  });

  test("options for all that have them, and for one", () => {
    expect(choose({ options: ["salt=3"] })).toEqual(['modulo-sample {"salt":3}', "rendezvous-sample {}"]);
    expect(choose({ options: ["modulo-sample.salt=3"] })).toEqual(['modulo-sample {"salt":3}', "rendezvous-sample {}"]);
    // what is said of one method comes before what is said of all
    expect(choose({ methods: ["modulo-sample:salt=4"], options: ["salt=3"] })).toEqual(['modulo-sample {"salt":4}']);
  });

  test.each<[Partial<MethodWishes>, string]>([
    [{ methods: ["modulo"] }, "no method modulo; did you mean modulo-sample?"],
    [{ methods: ["xyz"] }, "no method xyz; there are modulo-sample, rendezvous-sample"],
    [{ methods: ["modulo-sample:slat=1"] }, "modulo-sample has no option slat; did you mean salt?"],
    [{ methods: ["rendezvous-sample:salt=1"] }, "rendezvous-sample has no option salt"],
    [{ methods: ["modulo-sample:salt"] }, "salt: expected OPTION=VALUE"],
    [{ methods: ["modulo-sample", "modulo-sample"] }, "method modulo-sample is asked for twice"],
    [{ options: ["slat=1"] }, "no method asked for has an option slat; did you mean salt?"],
    [{ options: ["nosuch.salt=1"] }, "no method nosuch"],
    [{ methods: ["rendezvous-sample"], options: ["modulo-sample.salt=1"] }, "modulo-sample is not among the methods"],
    [{ options: ["salt=x"] }, "modulo-sample.salt=x: expected a number; ID.salt=VALUE sets it for one method"],
  ])("%j is refused", (wishes, message) => expect(() => choose(wishes)).toThrow(message));
});

describe("values of options are of their default's kind", () => {
  test.each<[string, unknown, unknown]>([
    ["65537", 1, 65537],
    ["0xff", 1, 255],
    ["-1", 1, -1],
    ["yes", false, true],
    ["0", true, false],
    ["a=b", "", "a=b"],
    ["00ff", Uint8Array.of(1), Uint8Array.of(0, 255)],
    ["src+dst", ["src"], ["src", "dst"]],
    ["1+2", [0], [1, 2]],
    ["", ["src"], []],
  ])("%s", (text, byDefault, value) => expect(parseOptionValue(text, byDefault, "m.o")).toEqual(value));

  test.each<[string, unknown, string]>([
    ["", 1, "m.o=: expected a number"],
    ["1e400", 1, "expected a number"],
    ["maybe", true, "expected yes or no"],
    ["0f0", Uint8Array.of(1), "expected bytes in hex, as 01"],
    ["x", null, "it cannot be set here"],
  ])("%s of %j is refused", (text, byDefault, message) => {
    expect(() => parseOptionValue(text, byDefault, "m.o")).toThrow(message);
  });
});

test("a value may need more than 53 bits", () => {
  expect(parseOptionValue("12345678901234567890", 1n, "m.o")).toBe(12345678901234567890n);
  expect(() => parseOptionValue("1.5", 1n, "m.o")).toThrow("m.o=1.5: expected a whole number");
});

test("near names: few letters wrong, or a part of it", () => {
  const names = ["katran-v1", "katran-v2", "cilium", "glb", "ketama"];
  expect(nearestNames("katran", names)).toEqual(["katran-v1", "katran-v2"]);
  expect(nearestNames("Cillium", names)).toEqual(["cilium"]);
  expect(nearestNames("glp", names)).toEqual(["glb"]);
  expect(nearestNames("maglev", names)).toEqual([]);
});

test("every method there is can be listed, and set as it is listed", () => {
  const text = methodListText(METHODS, createPage(80, false, false));
  for (const line of text.split("\n")) expect(line).not.toMatch(/\s$/);
  const { schema, methods } = JSON.parse(JSON.stringify(methodListDocument(METHODS)));
  expect(schema).toBe("l4scope.hash-methods/1");
  expect(methods.map(({ method }: { method: string }) => method)).toEqual(METHODS.map(({ id }) => id));
  for (const { method, options } of methods as { method: string; options: Record<string, unknown> }[]) {
    expect(text).toContain(method);
    const settings = Object.entries(options).map(([name, value]) => `${method}.${name}=${value}`);
    const [chosen] = chooseMethods(METHODS, { methods: [method], options: settings, isCompared: false });
    expect(chosen!.options).toEqual(chosen!.method.defaults);
  }
});
