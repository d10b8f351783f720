/** @throws RangeError where a Maglev table's size is no prime */
export function requirePrime(size: number, what: string): void {
  if (!isPrime(size)) throw new RangeError(`${what} ${size}: expected a prime, such as 65537`);
}

function isPrime(size: number): boolean {
  if (!Number.isInteger(size) || size < 3 || size % 2 === 0) return false;
  for (let divisor = 3; divisor * divisor <= size; divisor += 2) if (size % divisor === 0) return false;
  return true;
}
