import { expect, test } from "vitest";
import { BpfFailure } from "../../src/probe/bpf-object.ts";
import { type Circumstances, explainFailure } from "../../src/probe/load-failure.ts";

const host: Circumstances = { release: "6.1.0-28-amd64", lockdown: null, inUserNamespace: false };
const explain = (failure: BpfFailure, circumstances: Partial<Circumstances> = {}) =>
  explainFailure("tcprst", failure, { ...host, ...circumstances }).message;
const eperm = (log: string[] = []) => new BpfFailure("cannot be loaded", 1, null, log);

test.each<[string, BpfFailure, Partial<Circumstances>, string]>([
  ["a container", eperm(), { inUserNamespace: true }, "run outside the container"],
  ["lockdown", eperm(), { lockdown: "none integrity [confidentiality]\n" }, "boot with lockdown=integrity or none"],
  ["memlock", eperm(["libbpf: Error in bpf_create_map_xattr"]), { release: "5.10.0" }, "ulimit -l unlimited"],
  ["anything else", eperm(), {}, "run as root"],
  ["memory", new BpfFailure("cannot be loaded", 12, null, []), {}, "no memory"],
  ["what nobody foresaw", new BpfFailure("cannot be loaded", 95, null, ["libbpf: map 'x': odd"]), {}, "map 'x': odd"],
])("a refusal for %s says what to do", (_, failure, circumstances, words) => {
  const message = explain(failure, circumstances);
  expect(message).toContain(words);
  expect(message).not.toContain("\n");
});

test("the verifier's verdict is the last sentence of its log", () => {
  const log = [
    "libbpf: prog 'sent': BPF program load failed: Permission denied",
    "libbpf: prog 'sent': -- BEGIN PROG LOAD LOG --\n0: (79) r1 = *(u64 *)(r1 +16)\nfunc 'tcp_send_reset' doesn't have 3-th argument\nprocessed 1 insns (limit 1000000)\n-- END PROG LOAD LOG --",
  ];
  expect(explain(new BpfFailure("cannot be loaded", 13, "sent", log))).toContain(
    "refused sent: func 'tcp_send_reset' doesn't have 3-th argument (--debug",
  );
});
