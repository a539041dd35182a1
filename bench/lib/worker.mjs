// One subject in a process of its own. The parent asks for bursts; each sends at some concurrency for some time, and
// tells how many were sent, in how many milliseconds, at how many microseconds of CPU.
import { burst } from "./burst.mjs";
import { subject } from "./subjects.mjs";

const { provider, kind, api, options } = JSON.parse(process.argv[2]);
const send = await subject(provider, kind, api, options);

process.on("message", async ({ concurrency, ms }) => {
  try {
    process.send(await burst(send, concurrency, ms));
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
});
process.on("disconnect", () => process.exit());
process.send({ ready: true });
