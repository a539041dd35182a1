// Runs on each runtime: sends one message to each server that it is given, and prints how that ended. No types, so that
// every runtime takes it as it is.
import { PosthornError } from "@posthorn/core";
import { smtp } from "@posthorn/smtp";

const { probes, pool } = JSON.parse(process.argv[2]);
const outcomes = {};

for (const { name, url, timeout, size } of probes) {
  const mail = smtp({ url, timeout, retry: false, pool });
  const text = "x"
    .repeat(70)
    .concat("\n")
    .repeat(Math.ceil(size / 71));
  try {
    await mail.send({ from: "a@example.com", to: ["b@example.org"], subject: "Probe", text });
    outcomes[name] = { error: "none", delivery: "accepted" };
  } catch (error) {
    if (!(error instanceof PosthornError)) throw error;
    const { name: type, phase, delivery, retryable, status, attempts, message, code } = error;
    outcomes[name] = {
      error: type,
      phase,
      status,
      delivery,
      retryable,
      attempts: attempts.length,
      message,
      code,
    };
  }
  await mail.close();
}
console.log(JSON.stringify(outcomes));
process.exit(0);
