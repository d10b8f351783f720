import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { balancerSchema } from "../../fixtures/lab/balancer-spec.ts";
import { ipvsRules } from "../../fixtures/lab/balancers/ipvs.ts";
import type { RunLogs } from "../../fixtures/lab/truth.ts";
import { compileLab } from "../../fixtures/lab/vm/compile-lab.ts";
import { decodeLogs, encodeLogs } from "../../fixtures/lab/vm/guest-result.ts";
import { projectDir } from "../support/requirement.ts";

const scratch = mkdtempSync(join(tmpdir(), "l4scope-machine-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function lab(argv: string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, ["--import", "tsx", "fixtures/lab/run.ts", ...argv], {
    cwd: projectDir,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
}

describe("scenarios of the virtual machine", () => {
  it("are refused without --vm in one line that says how to run them", () => {
    const run = lab(["ipvs-nat-rr"]);
    expect(run.status).toBe(2);
    expect(run.stderr.trim()).toMatch(/^lab: ipvs-nat-rr needs a kernel with IPVS: npm run lab -- --vm ipvs-nat-rr$/);
  });

  it("name every package they lack in one line, with exit code 2", () => {
    const run = lab(["--vm", "ipvs-nat-rr"], { PATH: join(scratch, "empty"), XDG_CACHE_HOME: join(scratch, "cache") });
    expect(run.status).toBe(2);
    expect(run.stderr.trim()).toMatch(
      /^lab: the machine needs packages: apt-get install qemu-system-x86 tshark\b[^\n]*$/,
    );
    expect(existsSync(join(scratch, "cache"))).toBe(false);
  });
});

describe("the lab as the machine gets it", () => {
  const js = join(scratch, "js");
  beforeAll(() => compileLab(join(projectDir, "fixtures/lab"), js));

  it("is JavaScript that imports only JavaScript", () => {
    const source = readFileSync(join(js, "record-run.js"), "utf8");
    expect(source).toContain('from "./agents.js"');
    expect(source).not.toMatch(/from "\.[^"]*\.ts"/);
  });

  it("records without any package: what it imports loads where there is none", () => {
    const url = pathToFileURL(join(js, "record-run.js")).href;
    const script = `import(${JSON.stringify(url)}).then((module) => console.log(typeof module.recordRun))`;
    const run = spawnSync(process.execPath, ["-e", script], { cwd: scratch, encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(run.stdout.trim()).toBe("function");
  });
});

describe("what the machine hands back", () => {
  it("is the same after JSON", () => {
    const logs: RunLogs = {
      kernel: "6.1",
      start: 1,
      end: 2,
      events: [{ at: 1.5, what: "something" }],
      commands: [],
      captures: [],
      clients: [],
      servers: [],
      tracked: [],
      proxied: new Map([["10.1.0.20:40001", { backend: "10.3.0.11:8443", peer: null }]]),
    };
    expect(decodeLogs(JSON.parse(JSON.stringify(encodeLogs(logs))))).toEqual(logs);
  });
});

describe("what ipvsadm is told", () => {
  const rules = (change: object) => {
    const spec = balancerSchema.parse({
      kind: "ipvs",
      node: "lb1",
      vip: "192.0.2.10:443",
      forwarding: "nat",
      backends: [{ node: "rs1", address: "10.3.0.11:8443", weight: 3 }],
      ...change,
    });
    if (spec.kind !== "ipvs") throw new Error("not the kind that was parsed");
    return ipvsRules(spec);
  };

  it("is a service and its real servers", () => {
    expect(rules({})).toBe("-A -t 192.0.2.10:443 -s rr\n-a -t 192.0.2.10:443 -r 10.3.0.11:8443 -m -w 3\n");
  });

  it("has the port in the Maglev hash where asked, and the tunnel's own port", () => {
    expect(rules({ scheduler: "mh-port" })).toContain("-s mh -b mh-port\n");
    expect(rules({ forwarding: "gue" })).toContain(" -i --tun-type gue --tun-port 6080 --tun-nocsum -w 3\n");
  });
});
