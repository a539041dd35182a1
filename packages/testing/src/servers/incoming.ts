/** Bytes as they come in, in memory that doubles: putting chunks together anew for each would take ever longer. */
export class Incoming {
  private storage: Buffer = Buffer.alloc(0);
  private length = 0;

  /** What has come and was not taken. */
  get bytes(): Buffer {
    return this.storage.subarray(0, this.length);
  }

  add(chunk: Buffer): void {
    const length = this.length + chunk.length;
    if (length > this.storage.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.storage.length));
      this.storage.copy(larger, 0, 0, this.length);
      this.storage = larger;
    }
    chunk.copy(this.storage, this.length);
    this.length = length;
  }

  /** Takes all but the rest. What was taken keeps its memory to itself. */
  takeAllBut(rest: Buffer): void {
    this.storage = rest;
    this.length = rest.length;
  }
}
