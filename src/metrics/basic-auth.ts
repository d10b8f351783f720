import { createHash } from "node:crypto";
import { compare } from "bcryptjs";

/** Answers that were given lately; a scrape every few seconds must not cost a hash each time. */
const MOST_REMEMBERED = 100;
/** Compared with where a user is not known, so that the time taken does not tell it. The exporter toolkit's own. */
const NOBODY = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

/** Checks `Authorization: Basic` (RFC 7617) against bcrypt hashes. */
export class BasicAuth {
  private readonly remembered = new Map<string, boolean>();

  /** @param users bcrypt hashes by name; where there are none, everybody is let in */
  async admits(authorization: string | undefined, users: ReadonlyMap<string, string>): Promise<boolean> {
    if (users.size === 0) return true;
    const given = credentialsOf(authorization);
    if (given === null) return false;
    const hash = users.get(given.user) ?? null;
    const key = createHash("sha256")
      .update([given.user, hash ?? "", given.password].map((part) => `${part.length}:${part}`).join())
      .digest("base64");
    const known = this.remembered.get(key);
    if (known !== undefined) return known;
    const isRight = (await compare(given.password, hash ?? NOBODY)) && hash !== null;
    if (this.remembered.size >= MOST_REMEMBERED) {
      const oldest = this.remembered.keys().next();
      if (!oldest.done) this.remembered.delete(oldest.value);
    }
    this.remembered.set(key, isRight);
    return isRight;
  }
}

function credentialsOf(authorization: string | undefined): { user: string; password: string } | null {
  const match = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization ?? "");
  if (!match) return null;
  const text = Buffer.from(match[1]!, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
