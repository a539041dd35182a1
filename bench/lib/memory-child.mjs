// Sends in a process of its own and prints what memory it took: `memory-child.mjs TASK PROVIDER KIND URL SIZE`.
// TASK is `attachment` (SIZE bytes of one, as a stream; 0 for none), `held` (the same, but what it prints is the most that
// was left after collecting garbage over and over; by Posthorn alone) or `many` (SIZE messages by `sendMany`).
import { FILENAME, fileStream } from "./file.mjs";
import { POSTHORN_MESSAGE } from "./message.mjs";
import { subject } from "./subjects.mjs";

const [task, provider, kind, api, size] = process.argv.slice(2);
const tasks = { attachment, held, many };
const result = await tasks[task](Number(size));
console.log(JSON.stringify(result));
process.exit();

async function attachment(bytes) {
  if (kind === "posthorn") {
    const { backend } = await import("./senders.mjs");
    const mail = await backend(provider, api);
    const attachments = bytes > 0 ? [{ filename: FILENAME, content: fileStream(bytes) }] : [];
    await mail.send({ ...POSTHORN_MESSAGE, attachments });
  } else {
    // No SDK takes a stream as it is, so the file is read first; that is what its user has to do.
    const file = bytes > 0 ? Buffer.from(await new Response(fileStream(bytes)).arrayBuffer()) : undefined;
    const send = await subject(provider, kind, api, { file });
    await send();
  }
  return { peak: peak() };
}

async function held(bytes) {
  let most = 0;
  const timer = setInterval(() => {
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    // `external` holds the array buffers too.
    most = Math.max(most, heapUsed + external);
  }, 2);
  await attachment(bytes);
  clearInterval(timer);
  return { held: most };
}

async function many(count) {
  const { backend } = await import("./senders.mjs");
  const mail = await backend(provider, api);
  const marks = [];
  const step = Math.ceil(count / 10);
  let sent = 0;
  for await (const { ok, error } of mail.sendMany(messages(count), { concurrency: 16 })) {
    if (!ok) throw error;
    if (++sent % step === 0) {
      globalThis.gc();
      marks.push({ sent, heap: process.memoryUsage().heapUsed, peak: peak() });
    }
  }
  if (sent !== count) throw new Error(`${sent} of ${count} sent`);
  return { marks };
}

function* messages(count) {
  for (let index = 0; index < count; index++) {
    yield { ...POSTHORN_MESSAGE, subject: `Order ${index}`, metadata: { order: index } };
  }
}

/** Bytes of the largest resident set so far. */
function peak() {
  return process.resourceUsage().maxRSS * 1024;
}
