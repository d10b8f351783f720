import { describe, expect, test } from "vitest";
import { readImport } from "./read-import.ts";

describe("keepalived.conf", () => {
  test("gives virtual servers with their real servers", () => {
    const { format, vips, problems } = readImport(`! Configuration File for keepalived
global_defs {
   router_id LVS_MAIN   # a comment
}
virtual_server 192.0.2.10 443 {
    delay_loop 6
    lb_algo wrr
    lb_kind NAT
    persistence_timeout 50
    protocol TCP
    sorry_server 10.3.0.99 443
    real_server 10.3.0.11 8443 {
        weight 3
        TCP_CHECK {
            connect_timeout 3
        }
    }
    real_server 10.3.0.12 8443 {
        TCP_CHECK { connect_timeout 3
        }
    }
}
`);
    expect({ format, problems }).toEqual({ format: "keepalived.conf", problems: [] });
    expect(vips).toEqual({
      "tcp 192.0.2.10:443 dnat wrr": ["10.3.0.99:443 backup", "10.3.0.11:8443 *3", "10.3.0.12:8443"],
    });
  });

  test("gives groups, ranges and marks, with the brace on a line of its own", () => {
    const { vips, problems } = readImport(`virtual_server_group G {
  192.0.2.20-21 80
  2001:db8::9-b 80
  fwmark 7
}
virtual_server group G
{
    lvs_sched mh
    mh-port
    lvs_method DR
    protocol UDP
    real_server 10.3.0.13 80 {
    }
}
`);
    expect(problems).toEqual([]);
    expect(vips).toEqual({
      "udp 192.0.2.20:80 dsr-l2 5-tuple": ["10.3.0.13:80"],
      "udp 192.0.2.21:80 dsr-l2 5-tuple": ["10.3.0.13:80"],
      "udp [2001:db8::9]:80 dsr-l2 5-tuple": ["10.3.0.13:80"],
      "udp [2001:db8::a]:80 dsr-l2 5-tuple": ["10.3.0.13:80"],
      "udp [2001:db8::b]:80 dsr-l2 5-tuple": ["10.3.0.13:80"],
      "any fwmark:7 dsr-l2 5-tuple": ["10.3.0.13:80"],
    });
  });

  test("gives VRRP instances", () => {
    const { sink, problems } = readImport(`vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 150
    advert_int 0.5
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        192.0.2.10/24 dev eth0 label eth0:1
        2001:db8::10
        not-an-address
    }
}
vrrp_instance VI_2 {
    priority 1
}
`);
    expect(sink.virtualRouters).toEqual([
      {
        virtualRouterId: 51,
        interface: "eth0",
        priority: 150,
        intervalSeconds: 0.5,
        addresses: ["192.0.2.10", "2001:db8::10"],
      },
    ]);
    expect(problems).toEqual([
      'f:14: expected an address, got "not-an-address"',
      'f:17: vrrp_instance "VI_2" has no virtual_router_id from 1 to 255: left out',
    ]);
  });

  test("puts variables in place, and says what it does not follow", () => {
    const { vips, problems } = readImport(`$NET=10.3.0
$SERVICE=192.0.2.10 443
include /etc/keepalived/more.conf
virtual_server $SERVICE {
    lb_kind TUN
    @lb1 lb_algo rr
    real_server \${NET}.11 443 {
    }
    real_server www.example.org 443 {
    }
}
virtual_server 192.0.2.11 53 {
    protocol SCTP
}
`);
    expect(vips).toEqual({ "tcp 192.0.2.10:443 dsr-tunnel rr": ["10.3.0.11:443"] });
    expect(problems).toEqual([
      'f:6: "@lb1" holds for some hosts only: read as if it were for all',
      'f:3: "/etc/keepalived/more.conf" is not followed: import it by itself',
      'f:9: expected real_server ADDRESS PORT in numbers, got "real_server www.example.org 443"',
      'f:13: protocol "SCTP" is not followed: the virtual server is left out',
    ]);
  });

  test("is read as far as its braces hold", () => {
    const { vips, problems } = readImport(
      "virtual_server 192.0.2.10 443 {\n lb_kind DR\n real_server 10.3.0.11 443 {\n",
    );
    expect(vips).toEqual({ "tcp 192.0.2.10:443 dsr-l2 lc": ["10.3.0.11:443"] });
    expect(problems).toEqual(["f:3: this brace is never closed"]);
  });
});
