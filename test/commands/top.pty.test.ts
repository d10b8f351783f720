import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { projectDir, requires } from "../support/requirement.ts";
import { TerminalSession } from "../support/terminal-session.ts";

const { missing } = requires({ tool: ["tmux", "ps"] });
const folder = join(projectDir, "fixtures/scenarios/ecmp-rehash");
const replays = readdirSync(folder)
  .filter((name) => name.includes(".pcap"))
  .map((name) => `--replay ${join(folder, name)}`)
  .join(" ");
const TOP = `${process.execPath} bin/run.js top ${replays}`;

const open: TerminalSession[] = [];
afterEach(() => {
  for (const session of open.splice(0)) session.close();
});

function top(options = "--speed max", columns = 80, rows = 24): TerminalSession {
  const session = new TerminalSession(`${TOP} ${options}`, columns, rows);
  open.push(session);
  return session;
}

const FOUND = /✗ ecmp\.rehash/;

describe.skipIf(missing)("top in a terminal", () => {
  test("shows what analyze would say, in every view, at 80×24", async () => {
    const session = top();
    const screen = await session.until(FOUND);
    expect(screen.split("\n").slice(0, 24).join("\n")).toMatch(/192\.0\.2\.10:443/);
    session.press("2");
    await session.until(/\[2 Backends\][\s\S]*10\.3\.0\.1[123]:8443/);
    session.press("3");
    await session.until(/\[3 Resets\][\s\S]*lb +no-state +\d/);
    session.press("4");
    await session.until(/\[4 Paths\][\s\S]*lb1/);
    session.press("5");
    await session.until(/\[5 Flows\][\s\S]*10\.1\.0\./);
    session.press("Enter");
    await session.until(/SYN,ACK|SYN/);
    session.press("Escape");
    session.press("6");
    await session.until(/\[6 Findings\][\s\S]*▸✗ ecmp\.rehash/);
    session.press("Enter");
    await session.until(/since +11:11:36/);
    session.press("Escape", "7");
    await session.until(/\[7 Probes\][\s\S]*replay ended/);
    session.press("?");
    await session.until(/Keys[\s\S]*line up/);
  });

  test("fits a terminal that changes its size", async () => {
    const session = top();
    await session.until(FOUND);
    session.resize(200, 60);
    await session.until((screen) => /connect p99/.test(screen) && screen.split("\n")[58]!.includes("q quit"));
    session.resize(80, 24);
    const narrow = await session.until((screen) => screen.split("\n")[22]?.includes("Enter open") ?? false);
    expect(narrow.split("\n")[0]).toMatch(/l4scope · \d sources/);
    expect(narrow).toMatch(/\[1 VIPs\]/);
  });

  test("gives the screen back on q", async () => {
    const session = top();
    await session.until(FOUND);
    session.press("q");
    const after = await session.until(/exited 0/);
    expect(after.trim()).toBe("before\nexited 0");
  });

  test.each(["SIGINT", "SIGTERM"] as const)("gives the screen back on %s", async (signal) => {
    const session = top();
    await session.until(FOUND);
    const [pid] = session.processes("bin/run.js top").slice(-1);
    process.kill(pid!, signal);
    const after = await session.until(/exited/);
    expect(after.trim()).toBe("before\nexited 0");
  });

  test("gives the screen back when something breaks, and says what", async () => {
    const terminal = join(projectDir, "dist/src/tui/terminal.js");
    const main = join(projectDir, "dist/src/cli/main.js");
    const script = `import("${main}").then(({ main }) => main(["top", "--help"], "${projectDir}")).then(() => import("${terminal}")).then(({ takeScreen }) => { takeScreen(process.stdout, () => {}); process.stdout.write("in the middle"); setTimeout(() => { throw new Error("a thought went wrong"); }, 300); })`;
    const session = new TerminalSession(`${process.execPath} --input-type=module -e '${script}' >/dev/tty`, 80, 24);
    open.push(session);
    const after = await session.until(/exited/);
    expect(after).not.toContain("in the middle");
    expect(after).toMatch(/a thought went wrong/);
    expect(after).toMatch(/exited 1/);
  });

  test("ends by itself after --duration", async () => {
    const session = top("--speed 1 --duration 2");
    expect((await session.until(/exited/)).trim()).toBe("before\nexited 0");
  });

  test("reads packets from stdin and keys from the terminal", async () => {
    const file = join(folder, readdirSync(folder).find((name) => name.startsWith("r-"))!);
    const session = new TerminalSession(`zcat -f ${file} | ${process.execPath} bin/run.js top -`, 80, 24);
    open.push(session);
    await session.until(/192\.0\.2\.10:443/);
    session.press("2");
    await session.until(/\[2 Backends\]/);
    session.press("q");
    expect((await session.until(/exited/)).trim()).toBe("before\nexited 0");
  });
});
