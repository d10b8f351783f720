const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** Bytes of `500M`, `2G`, `2GB`, `1000000`; null for what is no size. */
export function parseBytes(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)b?$/i.exec(text.trim());
  return match ? Number(match[1]) * UNITS[match[2]!.toLowerCase()]! : null;
}
