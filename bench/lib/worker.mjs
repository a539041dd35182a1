// One subject in a process of its own. The parent asks for bursts; each sends at some concurrency for some time, and
// tells how many were sent, in how many milliseconds, at how many microseconds of CPU.
import { subject } from "./subjects.mjs";

const { provider, kind, api, options } = JSON.parse(process.argv[2]);
const send = await subject(provider, kind, api, options);

process.on("message", async ({ concurrency, ms }) => {
  try {
    process.send(await burst(concurrency, ms));
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
});
process.on("disconnect", () => process.exit());
process.send({ ready: true });

async function burst(concurrency, ms) {
  const before = process.cpuUsage();
  const start = performance.now();
  const end = start + ms;
  let sent = 0;
  const lane = async () => {
    while (performance.now() < end) {
      await send();
      sent++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  const took = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { sent, ms: took, cpu: user + system };
}
