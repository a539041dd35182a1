// Runs on workerd: sends to the URLs that are posted to it, and answers how that ended.
import { sendProbes } from "./send-probes.mjs";

// biome-ignore lint/style/noDefaultExport: workerd wants it
export default {
  async fetch(request) {
    return Response.json(await sendProbes(await request.json()));
  },
};
