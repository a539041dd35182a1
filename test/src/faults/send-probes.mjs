// Sends one message to each URL it is given, and tells how that ended. No types, so that every runtime takes it as it is.
import { PosthornError, Session } from "@posthorn/core";
import { mandrill } from "@posthorn/mandrill";

const message = { from: "a@example.com", to: ["b@example.org"], subject: "Probe", text: "T" };

/** Fails as a session's hook does whose own request finds nobody. */
function failingHook() {
  throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" });
}

export async function sendProbes(probes) {
  const outcomes = {};
  for (const { name, url, timeout, retry = false, hook } of probes) {
    const session = hook ? new Session({ timeout, retry, hooks: { [hook]: failingHook } }) : undefined;
    const backend = mandrill({ apiKey: "made-up", apiUrl: url, timeout, retry, session });
    try {
      await backend.send(message);
      outcomes[name] = { error: "none", delivery: "accepted" };
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error;
      const { name: type, phase, delivery, retryable, status, attempts, retryAt, message: text } = error;
      outcomes[name] = {
        error: type,
        phase,
        status,
        delivery,
        retryable,
        attempts: attempts.length,
        retryAt: Boolean(retryAt),
        text,
      };
    }
    await backend.close();
  }
  return outcomes;
}
