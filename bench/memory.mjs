import { fileURLToPath } from "node:url";
import { runJson, startServer } from "./lib/processes.mjs";
import { spread } from "./lib/stats.mjs";
import { PROVIDERS } from "./lib/subjects.mjs";
import { table } from "./lib/table.mjs";

export const title = "Memory";

const CHILD = fileURLToPath(new URL("lib/memory-child.mjs", import.meta.url));
const FILE = 25 * 1024 * 1024;
/** Times the attachment; a provider that takes multipart forms needs no second form of it. */
const LIMITS = { json: 2.5, multipart: 1.2 };
const MULTIPART = new Set(["mailgun"]);

/**
 * Peak of the resident memory for an attachment of 25 MB given as a stream, less the peak of the same process sending
 * the same mail without it; and `sendMany`.
 */
export async function run({ quick }) {
  const [repeats, count] = quick ? [1, 3000] : [5, 100_000];
  const server = await startServer();
  try {
    const attachments = [];
    for (const provider of PROVIDERS) {
      for (const kind of ["posthorn", "sdk"])
        attachments.push(await measure(server.url, provider, kind, repeats));
    }
    const { marks } = await child(server.url, "many", "resend", "posthorn", count, ["--expose-gc"]);
    return { repeats, count, attachments, marks };
  } finally {
    server.stop();
  }
}

async function measure(url, provider, kind, repeats) {
  const { sdk } = await import(`./lib/providers/${provider}.mjs`);
  const name = kind === "sdk" ? sdk : "Posthorn";
  const [base, peak, held] = [[], [], []];
  try {
    for (let repeat = 0; repeat < repeats; repeat++) {
      base.push((await child(url, "attachment", provider, kind, 0)).peak);
      peak.push((await child(url, "attachment", provider, kind, FILE)).peak);
      if (kind !== "posthorn") continue;
      const [without, all] = [
        await child(url, "held", provider, kind, 0, ["--expose-gc"]),
        await child(url, "held", provider, kind, FILE, ["--expose-gc"]),
      ];
      held.push((all.held - without.held) / FILE);
    }
  } catch (error) {
    return { provider, name, failed: error.message };
  }
  return {
    provider,
    name,
    base: spread(base),
    peak: spread(peak),
    times: spread(peak.map((value, index) => (value - base[index]) / FILE)),
    ...(held.length > 0 ? { held: spread(held) } : {}),
  };
}

function child(url, task, provider, kind, size, nodeArgs = []) {
  return runJson(CHILD, [task, provider, kind, `${url}/${provider}`, String(size)], { nodeArgs });
}

export function show({ count, attachments, marks }) {
  const mb = (bytes) => (bytes / 1024 / 1024).toFixed(0);
  return [
    "An attachment of 25 MB as a stream; what the process takes without it is left out of the last columns:",
    table([
      ["provider", "by", "without, MB", "peak, MB", "times the attachment", "held"],
      ...attachments.map(({ provider, name, base, peak, times, held, failed }) => [
        provider,
        name,
        ...(failed
          ? ["", "", failed, ""]
          : [mb(base.median), mb(peak.median), times.median.toFixed(2), held?.median.toFixed(2) ?? ""]),
      ]),
    ]),
    `\`sendMany\` over ${count.toLocaleString("en")} messages:`,
    table([
      ["sent", "heap in use, MB", "peak so far, MB"],
      ...marks.map(({ sent, heap, peak }) => [
        sent.toLocaleString("en"),
        (heap / 1024 / 1024).toFixed(1),
        mb(peak),
      ]),
    ]),
  ].join("\n\n");
}

export function misses({ attachments, marks }) {
  const large = attachments.flatMap(({ provider, name, times, failed }) => {
    const limit = MULTIPART.has(provider) ? LIMITS.multipart : LIMITS.json;
    if (name !== "Posthorn" || (times && times.median <= limit)) return [];
    return [`${provider}: ${failed ?? `${times.median} times the attachment, ${limit} wanted`}`];
  });
  const [first] = marks;
  const grown = marks.at(-1).heap - first.heap;
  // The heap after a collection wavers by some hundred KB.
  return grown > 2 * 1024 * 1024 ? [...large, `sendMany: the heap grew by ${grown} bytes`] : large;
}

/** Memory for an attachment, in times its size. */
export function chart({ attachments }) {
  return {
    title: "Memory for an attachment of 25 MB, in times its size",
    series: ["Posthorn", "own SDK"],
    unit: "×",
    groups: PROVIDERS.map((provider) => ({
      name: provider,
      values: attachments
        .filter((entry) => entry.provider === provider)
        .map(({ times }) => times && Math.max(0, times.median)),
    })),
  };
}
