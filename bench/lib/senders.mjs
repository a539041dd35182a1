import { posthorn } from "./posthorn.mjs";

/** Every provider with the least that it takes to make its backend. The values are made up. */
export const SENDERS = {
  "amazon-ses": {
    accessKeyId: "AKIA0000000000000000",
    secretAccessKey: "0000000000000000",
    region: "eu-west-1",
  },
  brevo: { apiKey: "xkeysib-0000" },
  mailersend: { apiToken: "mlsn.0000" },
  mailgun: { apiKey: "key-0000" },
  mailjet: { apiKey: "0000", secretKey: "0000" },
  mailtrap: { apiToken: "0000" },
  mandrill: { apiKey: "md-0000" },
  postal: { apiUrl: "http://127.0.0.1:9/api/v1", apiKey: "0000" },
  postmark: { serverToken: "00000000-0000-0000-0000-000000000000" },
  resend: { apiKey: "re_0000" },
  scaleway: { secretKey: "0000", projectId: "0000" },
  sendgrid: { apiKey: "SG.0000" },
  sparkpost: { apiKey: "0000" },
  "unisender-go": { apiUrl: "http://127.0.0.1:9/en/transactional/api/v1", apiKey: "0000" },
};

/** A backend of Posthorn. */
export async function sender(name, options = {}) {
  const factory = name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  return (await posthorn(name))[factory]({ ...SENDERS[name], ...options });
}

/** A backend of Posthorn that sends to the stand-in, whose paths begin with whatever the API's own do. */
export function backend(name, api) {
  return sender(name, { apiUrl: api });
}
