/** Numbers of legs, each once, in the order in which they were marked: cheap enough for every packet. */
export class LegMarks {
  private isMarked = new Uint8Array(4096);
  private list: number[] = [];

  /** @param leg -1 for none */
  mark(leg: number): void {
    if (leg < 0 || this.isMarked[leg] === 1) return;
    if (leg >= this.isMarked.length) {
      const larger = new Uint8Array(Math.max(leg + 1, this.isMarked.length * 2));
      larger.set(this.isMarked);
      this.isMarked = larger;
    }
    this.isMarked[leg] = 1;
    this.list.push(leg);
  }

  /** Those that are marked; afterwards none is. */
  take(): number[] {
    const { list } = this;
    for (const leg of list) this.isMarked[leg] = 0;
    this.list = [];
    return list;
  }
}
