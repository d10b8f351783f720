import type { Connected } from "../../path/connect.ts";
import type { LegRef } from "../../path/leg-set.ts";
import { addressText } from "../../topology/address.ts";
import type { Topology, TopologyNode } from "../../topology/topology.ts";
import type { Column } from "./column.ts";

type Role = NonNullable<Column["role"]>;

/** The nodes of the set-up as it was given: names and parts for what packets leave open. */
export class GivenNodes {
  private readonly connected: Connected;
  private readonly nodes: readonly TopologyNode[];

  constructor(connected: Connected, given: Topology | null) {
    this.connected = connected;
    this.nodes = given?.nodes ?? [];
  }

  /** Whether a node that was captured is said to play this part. */
  isGivenAs(name: string, role: Role): boolean {
    return this.nodes.some((node) => node.name === name && node.role === role);
  }

  /** The name of whose an endpoint is: its address, or its MAC where no more is known. */
  ownerOf(endpoint: number): string | null {
    const { endpoints } = this.connected;
    const text = endpoints.isMac(endpoint) ? endpoints.text(endpoint) : addressText(endpoints.address(endpoint));
    return this.nodes.find(({ addresses, macs }) => addresses.includes(text) || macs.includes(text))?.name ?? null;
  }

  /** The name of who opened a leg. */
  openerOf(leg: LegRef): string | null {
    const text = addressText(this.connected.set.view(leg).src);
    return this.nodes.find(({ addresses }) => addresses.includes(text))?.name ?? null;
  }
}
