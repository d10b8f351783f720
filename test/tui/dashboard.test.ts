import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { createPage } from "../../src/report/text/page.ts";
import { Dashboard } from "../../src/tui/dashboard.ts";
import { actionOf, KEYS, keyName } from "../../src/tui/keys.ts";
import { busyModel } from "./busy-model.ts";
import { FakeHandle } from "./fake-handle.ts";

const dir = mkdtempSync(join(tmpdir(), "l4scope-tui-"));
afterAll(() => rmSync(dir, { recursive: true }));

function dashboard(parts: { columns?: number; rows?: number; model?: ReturnType<typeof busyModel> } = {}) {
  const handle = new FakeHandle(parts.model ?? busyModel());
  const onQuit = vi.fn();
  const columns = parts.columns ?? 120;
  const made = new Dashboard(handle, {
    page: createPage(columns, true, false),
    columns,
    rows: parts.rows ?? 30,
    evidenceDirectory: dir,
    onQuit,
  });
  const text = () => made.lines().join("\n");
  const press = (...names: string[]) => {
    for (const name of names) made.press(name);
  };
  return { handle, made, onQuit, text, press };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("keys", () => {
  test("mean one thing each", () => {
    const all = KEYS.flatMap(({ keys }) => keys);
    expect(new Set(all).size).toBe(all.length);
    for (const { action, keys } of KEYS) for (const key of keys) expect(actionOf(key)).toBe(action);
  });

  test("are all in the help", () => {
    const { text, press } = dashboard({ rows: 60 });
    press("?");
    for (const { shown, help } of KEYS) {
      expect(text()).toContain(shown);
      expect(text()).toContain(help);
    }
  });

  test("are told apart as terminals send them", () => {
    const none = Object.fromEntries(
      ["upArrow", "downArrow", "leftArrow", "rightArrow", "pageUp", "pageDown", "home", "end", "return"]
        .concat(["escape", "tab", "shift", "ctrl", "backspace", "delete"])
        .map((name) => [name, false]),
    ) as unknown as Parameters<typeof keyName>[1];
    expect(keyName("", { ...none, upArrow: true })).toBe("up");
    expect(keyName("", { ...none, tab: true, shift: true })).toBe("shift+tab");
    expect(keyName("c", { ...none, ctrl: true })).toBe("ctrl+c");
    expect(keyName("", { ...none, delete: true })).toBe("backspace");
    expect(keyName(" ", none)).toBe("space");
    expect(keyName("G", none)).toBe("G");
  });
});

describe("the dashboard", () => {
  test("goes from view to view", () => {
    const { text, press } = dashboard();
    expect(text()).toContain("[1 VIPs]");
    press("tab");
    expect(text()).toContain("[2 Backends]");
    press("left");
    expect(text()).toContain("[1 VIPs]");
    press("shift+tab");
    expect(text()).toContain("[7 Probes]");
    press("6");
    expect(text()).toContain("[6 Findings]");
  });

  test("follows a VIP to its backends, a backend to its flows, a flow to its ladder, and back", async () => {
    const { handle, text, press } = dashboard();
    press("return");
    expect(text()).toContain("[2 Backends]");
    expect(text()).toContain("/192.0.2.10:443");
    press("escape", "return");
    expect(text()).toContain("[5 Flows]");
    await settle();
    expect(handle.asked.at(-1)).toMatchObject({ vip: "192.0.2.10:443", backend: "10.2.0.11:8080", sort: "start" });
    expect(text()).toContain("10.1.0.21:40000");
    press("down", "down", "return");
    await settle();
    expect(text()).toContain("ladder of c2");
    press("escape");
    expect(text()).not.toContain("ladder of");
  });

  test("moves and scrolls, and keeps the mark on a row that is there", () => {
    const { handle, text, press } = dashboard({ model: busyModel({ backends: 100 }) });
    press("2", "end");
    expect(text()).toMatch(/▸10\.2\.0\.110:8080/);
    press("up");
    expect(text()).toMatch(/▸10\.2\.0\.109:8080/);
    handle.current = busyModel({ backends: 3, sequence: 2 });
    press("2");
    expect(text()).toMatch(/▸10\.2\.0\.13:8080/);
    press("home");
    expect(text()).toMatch(/▸10\.2\.0\.11:8080/);
  });

  test("filters as it is typed, and takes a filter back", () => {
    const { text, press } = dashboard();
    press("2", "/", ..."0.13");
    expect(text()).toContain("filter: 0.13▏");
    press("backspace", "4", "return");
    expect(text()).toContain("10.2.0.14:8080");
    expect(text()).not.toContain("10.2.0.13:8080");
    press("/", ..."nothing", "return");
    expect(text()).toMatch(/no backend matches 0\.14nothing/);
    press("escape");
    expect(text()).toContain("10.2.0.13:8080");
  });

  test("a q that is typed into a filter does not quit", () => {
    const { onQuit, press, text } = dashboard();
    press("/", "q");
    expect(onQuit).not.toHaveBeenCalled();
    expect(text()).toContain("filter: q▏");
    press("escape", "q");
    expect(onQuit).toHaveBeenCalledOnce();
  });

  test("sorts by the next column", () => {
    const { handle, text, press } = dashboard();
    press("2");
    expect(text()).toContain("share▾");
    press("s");
    expect(text()).toContain("conn/s▾");
    expect(text().indexOf("10.2.0.16:8080")).toBeLessThan(text().indexOf("10.2.0.11:8080"));
    press("5", "s");
    expect(handle.asked.at(-1)).toBeDefined();
  });

  test("changes the window of its figures", () => {
    const { text, press } = dashboard();
    expect(text()).toContain("window 1m");
    press("t");
    expect(text()).toContain("window 15m");
    press("t");
    expect(text()).toContain("window 10s");
  });

  test("stands still while paused", () => {
    const { handle, made, text, press } = dashboard();
    press("space");
    expect(text()).toContain("PAUSED");
    const before = text();
    handle.current = busyModel({ sequence: 2, vips: 1, now: 1_795_199_999 });
    made.poll();
    expect(text()).toBe(before);
    press("space");
    expect(text()).not.toBe(before);
  });

  test("shows a finding in full, and writes what shows it", async () => {
    const { text, press } = dashboard();
    press("6", "return");
    expect(text()).toContain("hash consistently");
    press("w");
    await settle();
    await settle();
    expect(text()).toContain(`wrote ${dir}/l4scope-20261120-`);
    const files = readdirSync(dir).sort();
    expect(files).toEqual([
      expect.stringMatching(/-ecmp\.rehash-a\.pcapng$/),
      expect.stringMatching(/-ecmp\.rehash-a\.txt$/),
    ]);
    expect(readFileSync(join(dir, files[1]!), "utf8")).toBe("text of ecmp.rehash a\n");
  });

  test("says that there is nothing to write, or no place for it", async () => {
    const { handle, text, press } = dashboard();
    press("w");
    expect(text()).toContain("nothing to write here");
    press("5");
    await settle();
    handle.packetsText = null;
    press("w");
    await settle();
    await settle();
    expect(text()).toContain("no packets of c0 in memory any more");
  });

  test("draws nothing where nothing on screen has changed", () => {
    const { handle, made } = dashboard();
    const told = vi.fn();
    made.subscribe(told);
    made.poll();
    handle.current = { ...handle.current, sequence: 2 };
    made.poll();
    expect(told).not.toHaveBeenCalled();
    handle.current = busyModel({ sequence: 3, vips: 1 });
    made.poll();
    expect(told).toHaveBeenCalledOnce();
  });

  test("fits another size at once", () => {
    const { made } = dashboard();
    made.resize(80, 23);
    expect(made.lines()).toHaveLength(23);
    made.resize(200, 59);
    expect(made.lines()).toHaveLength(59);
  });
});
