import { cilium } from "./cilium.ts";
import { envoyMaglev } from "./envoy-maglev.ts";
import { envoyRing } from "./envoy-ring.ts";
import { glb } from "./glb.ts";
import { ipvsMh } from "./ipvs-mh.ts";
import { ipvsSh } from "./ipvs-sh.ts";
import { katranV1 } from "./katran-v1.ts";
import { katranV2 } from "./katran-v2.ts";
import { ketama } from "./ketama.ts";
import { linuxEcmp } from "./linux-ecmp.ts";
import { modulo } from "./modulo.ts";
import { nftJhash } from "./nft-jhash.ts";
import { nginxKetama } from "./nginx-ketama.ts";
import { rendezvous } from "./rendezvous.ts";
import { resilient } from "./resilient.ts";
import { rss } from "./rss.ts";
import type { SelectionMethod } from "./selection.ts";

/** Every way of choosing a backend that is known here. */
export const METHODS: readonly SelectionMethod[] = [
  katranV2,
  katranV1,
  cilium,
  envoyMaglev,
  envoyRing,
  ipvsMh,
  ipvsSh,
  glb,
  ketama,
  nginxKetama,
  nftJhash,
  linuxEcmp,
  resilient,
  modulo,
  rss,
  rendezvous,
];
