import { startServer, startSubject } from "./lib/processes.mjs";
import { takeTurns } from "./lib/rounds.mjs";
import { showSpread } from "./lib/stats.mjs";
import { table } from "./lib/table.mjs";

export const title = "What retries cost while all goes well";

const PROVIDER = "resend";
const SETTINGS = [
  ["retries off", { retry: false }],
  ["the default", {}],
  [
    "urllib3's vocabulary in full",
    { retry: { total: 5, connect: 5, read: 3, status: 3, backoffFactor: 0.5 } },
  ],
];

/** The same sends with retries off, by default, and widened. */
export async function run({ quick }) {
  const [rounds, ms] = quick ? [5, 150] : [41, 250];
  const server = await startServer();
  const workers = [];
  try {
    for (const [name, options] of SETTINGS) {
      workers.push([name, await startSubject(PROVIDER, "posthorn", server.url, options)]);
    }
    for (const [, worker] of workers) await worker.burst(16, quick ? 500 : 3000);
    const subjects = await takeTurns(
      workers.map(([name, worker]) => ({
        name,
        measure: async () => {
          const { sent, ms: took, cpu } = await worker.burst(16, ms);
          return { perSecond: (sent / took) * 1000, cpuMicros: cpu / sent };
        },
      })),
      rounds,
    );
    return { provider: PROVIDER, rounds, ms, subjects };
  } finally {
    for (const [, worker] of workers) worker.stop();
    server.stop();
  }
}

export function show({ provider, subjects }) {
  return [
    `${provider}, 16 at once; ratios are those of sends without retries to sends with them.`,
    table([
      ["retries", "sends/s", "ratio of sends/s", "middle half", "ratio of CPU"],
      ...Object.entries(subjects).map(([name, { perSecond, cpuMicros }]) => [
        name,
        Math.round(perSecond.median),
        showSpread(perSecond.ratio, 3),
        perSecond.ratio.quartiles.map((value) => value.toFixed(3)).join(" to "),
        showSpread(cpuMicros.ratio, 3),
      ]),
    ]),
  ].join("\n\n");
}

export function misses({ subjects }) {
  return Object.entries(subjects).flatMap(([name, { perSecond }]) =>
    perSecond.ratio.median > 1.02 ? [`${name}: ${perSecond.ratio.median} of what sends without retries`] : [],
  );
}
