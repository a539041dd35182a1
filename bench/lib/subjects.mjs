/** Providers that have an SDK of their own to be compared with, by the folder's name. */
export const PROVIDERS = ["mailgun", "resend", "sendgrid", "postmark", "amazon-ses", "mandrill"];

/** What sends: Posthorn, and what it is compared with. */
export const KINDS = ["posthorn", "fetch", "ofetch", "sdk"];

/**
 * A function that sends the benchmarks' message once, and throws unless it was accepted.
 *
 * @param {string} provider its folder's name
 * @param {string} kind one of KINDS
 * @param {string} api base URL of the stand-in for it
 * @param {object} options for Posthorn; for an SDK `file`, bytes to attach
 */
export async function subject(provider, kind, api, options = {}) {
  const { viaPosthorn, request, viaSdk } = await import(`./providers/${provider}.mjs`);
  if (kind === "posthorn") return viaPosthorn(api, options);
  if (kind === "sdk") return viaSdk(api, options);
  return kind === "fetch" ? viaFetch(request(api)) : viaOfetch(request(api));
}

/** The least that one can write: it reads the answer, and looks whether it is a yes. */
function viaFetch({ url, headers, body, sign, isAccepted, isEmpty }) {
  return async () => {
    const payload = body();
    const response = await fetch(url, {
      method: "POST",
      headers: sign ? { ...headers, ...sign(payload) } : headers,
      body: payload,
    });
    if (!response.ok) throw new Error("not accepted");
    if (isEmpty) await response.text();
    else if (!isAccepted(await response.json())) throw new Error("not accepted");
  };
}

async function viaOfetch({ url, headers, body, sign, isAccepted, isEmpty }) {
  const { ofetch } = await import("ofetch");
  return async () => {
    const payload = body();
    const answer = await ofetch(url, {
      method: "POST",
      headers: sign ? { ...headers, ...sign(payload) } : headers,
      body: payload,
    });
    if (!isEmpty && !isAccepted(answer)) throw new Error("not accepted");
  };
}
