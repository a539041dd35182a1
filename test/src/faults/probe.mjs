// Runs on each runtime: sends one mail to each URL it is given, and prints how that ended. No types, so that every
// runtime takes it as it is.
import { PosthornError } from "@posthorn/core";
import { mandrill } from "@posthorn/mandrill";

const probes = JSON.parse(process.argv[2]);
const mail = { from: "a@example.com", to: ["b@example.org"], subject: "Probe", text: "T" };
const outcomes = {};

for (const { name, url, timeout, retry } of probes) {
  const backend = mandrill({ apiKey: "made-up", apiUrl: url, timeout, retry: retry ?? false });
  try {
    await backend.send(mail);
    outcomes[name] = { error: "none", delivery: "accepted" };
  } catch (error) {
    if (!(error instanceof PosthornError)) throw error;
    const { name: type, phase, delivery, retryable, status, attempts, retryAt } = error;
    outcomes[name] = {
      error: type,
      phase,
      status,
      delivery,
      retryable,
      attempts: attempts.length,
      retryAt: Boolean(retryAt),
    };
  }
  backend.close();
}
console.log(JSON.stringify(outcomes));
