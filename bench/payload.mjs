import { POSTHORN_MESSAGE } from "./lib/message.mjs";
import { SENDERS, sender } from "./lib/senders.mjs";
import { median, spread } from "./lib/stats.mjs";
import { table } from "./lib/table.mjs";

export const title = "Building payloads";

const COUNTS = [1, 10, 100, 1000];
/** How much more than ten times as long ten times the recipients may take: caches and collections are not linear. */
const MARGIN = 1.6;

/**
 * Checking a message, building and encoding its requests, for each provider, without sending: `dryRun` with secrets
 * left in, in one process.
 */
export async function run({ quick }) {
  const ms = quick ? 40 : 400;
  const repeats = quick ? 3 : 7;
  const results = [];
  for (const provider of Object.keys(SENDERS)) {
    const mail = await sender(provider);
    const byCount = {};
    for (const count of COUNTS) byCount[count] = await measure(mail, withRecipients(count), ms, repeats);
    results.push({ provider, byCount });
  }
  return { results };
}

function withRecipients(count) {
  const to = Array.from({ length: count }, (_, index) => ({
    name: `Reader ${index}`,
    email: `reader${index}@example.org`,
  }));
  return { ...POSTHORN_MESSAGE, to };
}

async function measure(mail, message, ms, repeats) {
  const build = () => mail.dryRun(message, { revealSecrets: true });
  try {
    await build();
  } catch (error) {
    // Some APIs have a limit, and Posthorn says so before it sends.
    return { refused: error.message };
  }
  await times(build, ms);
  const micros = [];
  for (let repeat = 0; repeat < repeats; repeat++) micros.push(await times(build, ms / repeats));
  // The quickest is what the code takes; what is beyond it is the machine's.
  return { micros: spread(micros), perSecond: 1e6 / median(micros), best: Math.min(...micros) };
}

async function times(task, ms) {
  const start = performance.now();
  let done = 0;
  do {
    await task();
    done++;
  } while (performance.now() - start < ms);
  return ((performance.now() - start) * 1000) / done;
}

export function show({ results }) {
  const each = ({ micros }) => (micros ? `${micros.median.toFixed(0)} µs` : "refused");
  return table([
    ["provider", "messages/s", ...COUNTS.map((count) => `${count} to`), "100 to 1,000"],
    ...results.map(({ provider, byCount }) => [
      provider,
      Math.round(byCount[1].perSecond),
      ...COUNTS.map((count) => each(byCount[count])),
      growth(byCount) === undefined ? "" : `× ${growth(byCount).toFixed(1)}`,
    ]),
  ]);
}

/** How many times as long a thousand recipients take as a hundred. */
function growth(byCount) {
  return byCount[1000].best && byCount[100].best ? byCount[1000].best / byCount[100].best : undefined;
}

export function misses({ results }) {
  return results.flatMap(({ provider, byCount }) =>
    growth(byCount) > 10 * MARGIN
      ? [`${provider}: 1,000 recipients take ${growth(byCount).toFixed(1)} times as long as 100`]
      : [],
  );
}

/** Messages of one recipient. */
export function chart({ results }) {
  return {
    title: "Payloads built per second",
    series: ["Posthorn"],
    unit: "/s",
    groups: results.map(({ provider, byCount }) => ({ name: provider, values: [byCount[1].perSecond] })),
  };
}
