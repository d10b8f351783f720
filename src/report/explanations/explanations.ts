import { ATTACK } from "./attack.ts";
import { BACKEND } from "./backend.ts";
import { BALANCE } from "./balance.ts";
import { CAPTURE } from "./capture.ts";
import { CLIENT } from "./client.ts";
import { ECMP } from "./ecmp.ts";
import type { Explanation } from "./explanation.ts";
import { LB } from "./lb.ts";
import { NOTE } from "./note.ts";
import { PATH } from "./path.ts";
import { PROXY } from "./proxy.ts";

/** What there is to know of every finding, by its id, in the contract's order. */
export const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ...CLIENT,
  ...LB,
  ...BACKEND,
  ...PATH,
  ...ECMP,
  ...BALANCE,
  ...PROXY,
  ...ATTACK,
  ...NOTE,
  ...CAPTURE,
};

/** Where each family says to look. */
export const FAMILIES: Readonly<Record<string, string>> = {
  client: "the clients",
  lb: "the load balancers",
  backend: "the backends",
  path: "the network between them",
  ecmp: "the routers' choice among equal next hops",
  balance: "how load is spread over backends",
  proxy: "what a proxy adds to connections",
  attack: "traffic that means harm",
  note: "nothing wrong, good to know",
  capture: "the capture itself",
};
