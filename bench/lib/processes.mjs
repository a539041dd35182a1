import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Starts the stand-in for providers. */
export async function startServer() {
  const child = spawn(process.execPath, [file("server.mjs")], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  return { url: `http://127.0.0.1:${Number(line)}`, stop: () => child.kill() };
}

/** Starts a subject (see `worker.mjs`). */
export async function startSubject(provider, kind, serverUrl, options = {}) {
  const settings = { provider, kind, api: `${serverUrl}/${provider}`, options };
  const child = fork(file("worker.mjs"), [JSON.stringify(settings)]);
  await answer(child);
  return {
    /** Sends for `ms` milliseconds, `concurrency` at a time. */
    burst(concurrency, ms) {
      child.send({ concurrency, ms });
      return answer(child);
    },
    stop: () => child.kill(),
  };
}

/** Runs a file to its end and gives the JSON that it prints, with the peak of its memory in bytes. */
export async function runJson(path, args, { nodeArgs = [], env = {} } = {}) {
  const child = spawn(process.execPath, [...nodeArgs, path, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  let stdout = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${path} ${args.join(" ")} ended with ${code}`);
  return JSON.parse(stdout);
}

async function answer(child) {
  const exit = new AbortController();
  const [message] = await Promise.race([
    once(child, "message", { signal: exit.signal }),
    once(child, "exit", { signal: exit.signal }).then(([code]) => {
      throw new Error(`a subject ended with ${code}`);
    }),
  ]).finally(() => exit.abort());
  if (message.error) throw new Error(message.error);
  return message;
}

function file(name) {
  return fileURLToPath(new URL(name, import.meta.url));
}
