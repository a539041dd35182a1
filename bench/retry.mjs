import { burst } from "./lib/burst.mjs";
import { startServer } from "./lib/processes.mjs";
import { takeTurns } from "./lib/rounds.mjs";
import { showSpread } from "./lib/stats.mjs";
import { subject } from "./lib/subjects.mjs";
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

/**
 * The same sends with retries off, by default, and widened. All from this process: two processes that do the same differ by
 * more than what is to be found, since each is compiled as its own start has it.
 */
export async function run({ quick }) {
  const [rounds, ms, warmUp] = quick ? [15, 50, 300] : [201, 60, 4000];
  const server = await startServer();
  try {
    const subjects = [];
    for (const [name, options] of SETTINGS) {
      const send = await subject(PROVIDER, "posthorn", `${server.url}/${PROVIDER}`, options);
      await burst(send, 16, warmUp);
      const measure = async () => {
        const { sent, ms: took, cpu } = await burst(send, 16, ms);
        return { perSecond: (sent / took) * 1000, cpuMicros: cpu / sent };
      };
      subjects.push({ name, measure });
    }
    return { provider: PROVIDER, rounds, ms, subjects: await takeTurns(subjects, rounds) };
  } finally {
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
