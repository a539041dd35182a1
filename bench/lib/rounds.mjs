import { spread } from "./stats.mjs";

/**
 * Lets subjects take turns, round after round, each other round in reverse, and sets the first against each of the
 * others within the same round: what slows the machine down then slows both sides of a ratio.
 *
 * @param {{ name: string, measure: () => Promise<Record<string, number>> }[]} subjects the first is what is compared
 * @param {number} rounds how often; one more goes before, to warm up
 */
export async function takeTurns(subjects, rounds) {
  const measured = new Map(subjects.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    const order = round % 2 === 0 ? subjects : [...subjects].reverse();
    for (const { name, measure } of order) {
      const values = await measure();
      if (round >= 0) measured.get(name).push(values);
    }
  }
  const [first] = measured.values();
  return Object.fromEntries(
    [...measured].map(([name, values]) => [
      name,
      Object.fromEntries(
        Object.keys(first[0]).map((key) => [
          key,
          {
            ...spread(values.map((value) => value[key])),
            // How many times as much the first has of it.
            ratio: spread(first.map((value, round) => value[key] / values[round][key])),
          },
        ]),
      ),
    ]),
  );
}
