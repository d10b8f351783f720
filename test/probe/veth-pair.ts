import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { giveTapLock, takeTapLock } from "./tap-lock.ts";

let made = 0;

/** A namespace joined to this one by a veth pair; packets between the two pass `near`. */
export class VethPair {
  readonly namespace: string;
  /** The interface in this namespace. */
  readonly near: string;
  readonly nearAddress: string;
  readonly farAddress: string;

  constructor() {
    takeTapLock();
    const tag = `${process.pid.toString(36)}${made++}`;
    this.namespace = `l4tap-${tag}`;
    this.near = `tap${tag}`;
    // RFC 2544's own
    const net = `198.18.${(process.pid + made) % 250}`;
    this.nearAddress = `${net}.1`;
    this.farAddress = `${net}.2`;
    ip(`netns add ${this.namespace}`);
    try {
      ip(`link add ${this.near} type veth peer name far netns ${this.namespace}`);
      // or both ends talk of themselves
      writeFileSync(`/proc/sys/net/ipv6/conf/${this.near}/disable_ipv6`, "1");
      this.far(["sysctl", "-qw", "net.ipv6.conf.far.disable_ipv6=1"]);
      ip(`addr add ${this.nearAddress}/24 dev ${this.near}`);
      ip(`link set ${this.near} up`);
      ip(`-n ${this.namespace} addr add ${this.farAddress}/24 dev far`);
      ip(`-n ${this.namespace} link set lo up`);
      ip(`-n ${this.namespace} link set far up`);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Runs a program in the other namespace to its end, and gives what it printed. */
  far(command: readonly string[], input?: string): string {
    return execFileSync("ip", ["netns", "exec", this.namespace, ...command], {
      encoding: "utf8",
      ...(input === undefined ? {} : { input }),
    });
  }

  /** Starts one there; the caller ends it. */
  startFar(command: readonly string[]) {
    return spawn("ip", ["netns", "exec", this.namespace, ...command], { stdio: ["ignore", "pipe", "inherit"] });
  }

  close(): void {
    ip(`netns del ${this.namespace}`);
    giveTapLock();
  }
}

function ip(command: string): void {
  execFileSync("ip", command.split(" "), { stdio: ["ignore", "ignore", "pipe"] });
}

/** Python that sends `count` datagrams of `bytes` bytes from each of `ports` source ports. */
export function udpSender(address: string, { ports = 1, count = 1, bytes = 10 }): string[] {
  const script = `
import socket
for _ in range(${ports}):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(${count}):
        s.sendto(b"x" * ${bytes}, ("${address}", 9))
    s.close()
`;
  return ["python3", "-c", script];
}
