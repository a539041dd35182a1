import { FILENAME } from "../file.mjs";
import { FROM, MESSAGE, POSTHORN_MESSAGE, TO } from "../message.mjs";
import { posthorn } from "../posthorn.mjs";

const KEY = "re_0000000000000000";
const MAIL = { from: FROM, to: [TO], subject: MESSAGE.subject, text: MESSAGE.text, html: MESSAGE.html };

export const sdk = "resend";

export async function viaPosthorn(api, options) {
  const { resend } = await posthorn("resend");
  const mail = resend({ apiKey: KEY, apiUrl: api, ...options });
  return () => mail.send(POSTHORN_MESSAGE);
}

export function request(api) {
  return {
    url: `${api}/emails`,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: () => JSON.stringify(MAIL),
    isAccepted: (answer) => typeof answer.id === "string",
  };
}

/** Its option `baseUrl`. */
export async function viaSdk(api, { file } = {}) {
  const { Resend } = await import("resend");
  const client = new Resend(KEY, { baseUrl: api });
  const attachments = file ? [{ filename: FILENAME, content: file }] : undefined;
  return async () => {
    const { data } = await client.emails.send({ ...MAIL, attachments });
    if (typeof data?.id !== "string") throw new Error("not accepted");
  };
}
