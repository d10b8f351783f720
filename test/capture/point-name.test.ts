import { describe, expect, it } from "vitest";
import { observationPoint } from "../../src/capture/point-name.ts";

describe("observation point", () => {
  const names: Record<string, string> = {
    "lb1-eth0.pcap": "lb1:eth0",
    "/captures/lb1_eth0.pcap.gz": "lb1:eth0",
    "lb1.eth0.pcapng": "lb1:eth0",
    "lb1-eth0.cap.zst": "lb1:eth0",
    "lb1:eth0.pcap": "lb1:eth0",
    "lb1-eth0": "lb1:eth0",
    "r-any.pcap": "r:any",
    "lb1-lo.pcap": "lb1:lo",
    "lb1-ens3.pcap": "lb1:ens3",
    "lb1-enp1s0f1.pcap": "lb1:enp1s0f1",
    "lb1-enp1s0f1np1.pcap": "lb1:enp1s0f1np1",
    "lb1-eno1.pcap": "lb1:eno1",
    "lb1-enx00e04c680001.pcap": "lb1:enx00e04c680001",
    "lb1-bond0.pcap": "lb1:bond0",
    "lb1-br-lb.pcap": "lb1:br-lb",
    "lb1-vlan10.pcap": "lb1:vlan10",
    "lb1-eth0.100.pcap": "lb1:eth0.100",
    "lb1-vxlan100.pcap": "lb1:vxlan100",
    "lb1-vx0.pcap": "lb1:vx0",
    "lb1-tun0.pcap": "lb1:tun0",
    "lb1-tunl0.pcap": "lb1:tunl0",
    "lb1-gre0.pcap": "lb1:gre0",
    "lb1-wg0.pcap": "lb1:wg0",
    "node7-veth3f2a91c.pcap": "node7:veth3f2a91c",
    "node7-cali12ab34cd56e.pcap": "node7:cali12ab34cd56e",
    "lb1-em1.pcap": "lb1:em1",
    "lb1-p1p1.pcap": "lb1:p1p1",
    "edge-lb-1-eth1.pcap": "edge-lb-1:eth1",
    "my-br-lb1-eth0.pcap": "my-br-lb1:eth0",
    "lb1.example.com-eth0.pcap": "lb1.example.com:eth0",
    "r-any-sll2.pcap": "r:any",
    "lb1-eth0-before.pcap": "lb1:eth0",
    "lb1-eth0-2.pcap": "lb1:eth0",
    "edge_lb1_ens3_to_rs2.pcap": "edge_lb1:ens3",
    "works-on-any-host.pcap": "works-on-any-host",
    // nothing that looks like an interface
    "capture.pcap": "capture",
    "lb1.pcap": "lb1",
    "ethernet.pcap": "ethernet",
    "web-frontend.pcap": "web-frontend",
    "lb-ethanol.pcap": "lb-ethanol",
    "company.pcap": "company",
    ".pcap": ".pcap",
    // only an interface: the directory may be the node
    "lb1/eth0.pcap": "lb1:eth0",
    "/data/lb2/ens3.pcap.gz": "lb2:ens3",
    "eth0.pcap": "eth0",
    "./eth0.pcap": "eth0",
    "-": "stdin",
  };
  for (const [path, name] of Object.entries(names)) {
    it(`of ${path} is ${name}`, () => expect(observationPoint(path)).toBe(name));
  }

  it("takes the interface from the capture before the file's name", () => {
    expect(observationPoint("lb1.pcapng", "ens5")).toBe("lb1:ens5");
    expect(observationPoint("lb1-eth0.pcapng", "eth1")).toBe("lb1:eth1");
    expect(observationPoint("-", "eth0")).toBe("stdin:eth0");
    expect(observationPoint("lb1.pcapng", "Ethernet 2")).toBe("lb1:Ethernet 2");
  });

  it("does not take dumpcap's name of a pipe, or none, for an interface", () => {
    expect(observationPoint("lb1-eth0.pcapng", "-")).toBe("lb1:eth0");
    expect(observationPoint("lb1-eth0.pcapng", "")).toBe("lb1:eth0");
    const converted = "Unknown/not available in original file format(libpcap)";
    expect(observationPoint("lb1-eth0.pcapng", converted)).toBe("lb1:eth0");
  });

  it("tells the interfaces of a capture on any by the packet's index", () => {
    expect(observationPoint("r-any.pcap", null, 3)).toBe("r:any#3");
    expect(observationPoint("r.pcap", null, 12)).toBe("r:any#12");
    expect(observationPoint("-", "any", 2)).toBe("stdin:any#2");
  });
});

describe("the files of one recording have one name", () => {
  const recordings: Record<string, string[]> = {
    "lb1:eth0": [
      "lb1-eth0.pcap",
      // tcpdump -C, with -W, and with a compressor
      "lb1-eth0.pcap1",
      "lb1-eth0.pcap17",
      "lb1-eth0.pcap003",
      "lb1-eth0.pcap1.gz",
      "lb1-eth0.pcap.2.gz",
      // tcpdump -G
      "lb1-eth0-20261120.pcap",
      "lb1-eth0_20261120101010.pcap",
      "lb1-eth0-20261120-101010.pcap",
      "lb1-eth0_2026-11-20_10:10:10.pcap.gz",
      "lb1-eth0.2026-11-20T10.10.10.pcap",
      "lb1-eth0-20261120T101010Z.pcap",
      "lb1-eth0_2026-11-20_10:10:10+0200.pcap",
      "2026-11-20_10-10-10_lb1-eth0.pcap",
      "lb1-eth0-1795169410.pcap",
      "lb1-eth0-10:10:10.pcap",
      "lb1-eth0-101010.pcap",
      // dumpcap -b
      "lb1-eth0_00001_20261120101010.pcapng",
      "lb1-eth0_20261120101010_00002.pcapng",
    ],
    capture: ["capture_00001_20261120101010.pcap", "capture.pcap4", "capture-2026-11-20.pcap"],
  };
  for (const [name, files] of Object.entries(recordings)) {
    for (const file of files) it(`${file} is ${name}`, () => expect(observationPoint(file)).toBe(name));
  }

  it("but a name of nothing else stays", () => {
    expect(observationPoint("20261120.pcap")).toBe("20261120");
    expect(observationPoint("20261120101010.pcap")).toBe("20261120101010");
  });

  it("and a number that is no date or time stays", () => {
    expect(observationPoint("lb-99999999.pcap")).toBe("lb-99999999");
    expect(observationPoint("lb-998877.pcap")).toBe("lb-998877");
  });
});
