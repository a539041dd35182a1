/**
 * Sends for `ms` milliseconds, `concurrency` at a time.
 *
 * @param {() => Promise<unknown>} send sends one mail
 * @returns how many were sent, in how many milliseconds, at how many microseconds of this process's CPU
 */
export async function burst(send, concurrency, ms) {
  const before = process.cpuUsage();
  const start = performance.now();
  const end = start + ms;
  let sent = 0;
  const lane = async () => {
    while (performance.now() < end) {
      await send();
      sent++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  const took = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { sent, ms: took, cpu: user + system };
}
