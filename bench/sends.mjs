import { startServer, startSubject } from "./lib/processes.mjs";
import { takeTurns } from "./lib/rounds.mjs";
import { showSpread } from "./lib/stats.mjs";
import { KINDS, PROVIDERS } from "./lib/subjects.mjs";
import { table } from "./lib/table.mjs";

export const title = "Sends per second and CPU per send";

const CONCURRENCIES = [1, 16, 128];

/** Sends per second and CPU of Posthorn against bare fetch, bare ofetch and each provider's own SDK. */
export async function run({ quick }) {
  const [rounds, ms] = quick ? [3, 120] : [11, 250];
  const server = await startServer();
  const results = [];
  try {
    for (const provider of PROVIDERS) {
      const { sdk } = await import(`./lib/providers/${provider}.mjs`);
      const workers = [];
      try {
        for (const kind of KINDS) workers.push([kind, await startSubject(provider, kind, server.url)]);
        // The compiler takes some ten thousand sends to be done; what a first send takes is measured by "start".
        for (const [, worker] of workers) await worker.burst(16, quick ? 500 : 5000);
        for (const concurrency of CONCURRENCIES) {
          const subjects = workers.map(([name, worker]) => ({
            name,
            measure: async () => {
              const { sent, ms: took, cpu } = await worker.burst(concurrency, ms);
              return { perSecond: (sent / took) * 1000, cpuMicros: cpu / sent };
            },
          }));
          results.push({ provider, sdk, concurrency, subjects: await takeTurns(subjects, rounds) });
        }
      } finally {
        for (const [, worker] of workers) worker.stop();
      }
    }
  } finally {
    server.stop();
  }
  return { rounds, ms, results };
}

export function show({ results }) {
  const rate = (values) => Math.round(values.perSecond.median);
  const cpu = (values) => Math.round(values.cpuMicros.median);
  const head = ["provider", "at once", "Posthorn/s", "fetch/s", "ofetch/s", "SDK/s"];
  const ratios = ["to fetch", "to ofetch", "to SDK"];
  return [
    table([
      [...head, ...ratios],
      ...results.map(({ provider, concurrency, subjects: { posthorn, fetch, ofetch, sdk } }) => [
        provider,
        concurrency,
        ...[posthorn, fetch, ofetch, sdk].map(rate),
        ...[fetch, ofetch, sdk].map((peer) => showSpread(peer.perSecond.ratio)),
      ]),
    ]),
    "CPU time of the sending process for each send, in microseconds:",
    table([
      ["provider", "at once", "Posthorn", "fetch", "ofetch", "SDK"],
      ...results.map(({ provider, concurrency, subjects: { posthorn, fetch, ofetch, sdk } }) => [
        provider,
        concurrency,
        ...[posthorn, fetch, ofetch, sdk].map(cpu),
      ]),
    ]),
  ].join("\n\n");
}

/** Where a target is missed. */
export function misses({ results }) {
  return results.flatMap(({ provider, sdk, concurrency, subjects }) => {
    const short = (kind, least, name) => {
      const { median } = subjects[kind].perSecond.ratio;
      return median < least ? [`${provider} at ${concurrency}: ${median} of ${name}, ${least} wanted`] : [];
    };
    return [...short("fetch", 0.9, "bare fetch"), ...short("sdk", 1, sdk)];
  });
}

/** Sends per second at 16 at once. */
export function chart({ results }) {
  const shown = results.filter(({ concurrency }) => concurrency === 16);
  return {
    title: "Mails per second, 16 at once",
    series: ["Posthorn", "bare fetch", "bare ofetch", "own SDK"],
    unit: "/s",
    groups: shown.map(({ provider, subjects }) => ({
      name: provider,
      values: KINDS.map((kind) => subjects[kind].perSecond.median),
    })),
  };
}
