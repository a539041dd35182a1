import { serve } from "@hono/node-server";
import { createApp } from "./app.js";
import { startProviders } from "./providers.js";

const { mandrill, mailgun } = await startProviders(process.env);
const port = Number(process.env["PORT"] ?? 3000);
serve({ fetch: createApp({ mandrill, mailgun }).fetch, port, hostname: "127.0.0.1" }, (info) => {
  console.log(`The example listens on http://127.0.0.1:${info.port}`);
});
