/** A line of counts that is rewritten in place. */
export interface ProgressLine {
  update(counts: Readonly<Record<string, number>>): void;
  end(): void;
}

/**
 * A line of counts on the terminal, rewritten at most five times a second. Where standard error is no terminal nothing is written,
 * unless a function is given.
 */
export function progressLine(
  setting: boolean | { write(line: string): void } | undefined,
  label: string,
): ProgressLine {
  const stderr = setting === true && process.stderr.isTTY ? process.stderr : undefined;
  const write = typeof setting === "object" ? (line: string) => setting.write(line) : undefined;
  if (!stderr && !write) return { update: () => {}, end: () => {} };
  let last = "";
  let writtenAt = 0;
  const show = (): void => {
    if (write) write(last);
    else stderr?.write(`\r\u001b[K${last}`);
  };
  return {
    update(counts) {
      last = `${label}: ${Object.entries(counts)
        .filter(([, value]) => value > 0)
        .map(([name, value]) => `${value} ${name}`)
        .join(", ")}`;
      if (performance.now() - writtenAt < 200) return;
      writtenAt = performance.now();
      show();
    },
    end() {
      show();
      stderr?.write("\n");
    },
  };
}
