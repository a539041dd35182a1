/** Collects items for a moment, so that one statement serves many. */
export class Batcher<T> {
  private items: T[] = [];
  private cancel: (() => void) | undefined;

  /**
   * @param flush takes what was collected
   * @param delay milliseconds to collect for
   */
  constructor(
    private readonly flush: (items: readonly T[]) => void,
    private readonly setTimer: (callback: () => void, ms: number) => () => void,
    private readonly delay = 5,
    private readonly most = 100,
  ) {}

  add(item: T): void {
    this.items.push(item);
    if (this.items.length >= this.most) this.now();
    else this.cancel ??= this.setTimer(() => this.now(), this.delay);
  }

  now(): void {
    this.cancel?.();
    this.cancel = undefined;
    if (this.items.length === 0) return;
    const { items } = this;
    this.items = [];
    this.flush(items);
  }
}
