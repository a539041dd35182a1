/** Gives, for each send, the order in which to try the members of a pool. */
export type Order = () => readonly number[];

/** Always the first, the others in turn only when it fails. */
export function fixedOrder(size: number): Order {
  const order = Array.from({ length: size }, (_, index) => index);
  return () => order;
}

/** Each send begins one further. */
export function rotatingOrder(size: number): Order {
  let next = 0;
  return () => {
    const start = next;
    next = (next + 1) % size;
    return Array.from({ length: size }, (_, index) => (start + index) % size);
  };
}

/**
 * Each begins as often as its weight says, spread evenly (smooth weighted round-robin); the rest follow by weight.
 */
export function weightedOrder(weights: readonly number[]): Order {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const credit = weights.map(() => 0);
  return () => {
    for (const [index, weight] of weights.entries()) credit[index] = (credit[index] ?? 0) + weight;
    const order = weights
      .map((_, index) => index)
      .sort((a, b) => (credit[b] ?? 0) - (credit[a] ?? 0) || a - b);
    const [first = 0] = order;
    credit[first] = (credit[first] ?? 0) - total;
    return order;
  };
}
