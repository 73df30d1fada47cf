// SPDX-License-Identifier: BSD-3-Clause
// What several parts of the page share.
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, type Problem, problemsOf } from "./api";

export function Problems({ list }: { list: Problem[] }) {
  if (list.length === 0) return null;
  return (
    <div role="alert" class="problems">
      {list.map((one) => (
        <p>
          <span aria-hidden="true">⚠ </span>
          {one.message}
          {one.hint ? <em> — {one.hint}</em> : null}
        </p>
      ))}
    </div>
  );
}

export function Part({ id, title, children }: { id: string; title: string; children: ComponentChildren }) {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  );
}

// Tables scroll by themselves on a phone, with the keyboard too.
export function Table({ label, head, children }: { label: string; head: string[]; children: ComponentChildren }) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head.map((one) => (
              <th scope="col">{one}</th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

// Called when an answer says that nobody is known any more.
let lost: () => void = () => undefined;
export function onSessionLost(call: () => void) {
  lost = call;
}

// Asks every so many seconds while the page is looked at; what was last heard stays beside the error.
export function usePoll<T>(path: string, seconds: number) {
  const [value, setValue] = useState<T>();
  const [problems, setProblems] = useState<Problem[]>([]);
  const asked = useRef(path);
  asked.current = path;
  const ask = useCallback(async () => {
    try {
      const answer = await get<T>(path);
      if (asked.current !== path) return;
      setValue(answer);
      setProblems([]);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) lost();
      setProblems(problemsOf(error));
    }
  }, [path]);
  useEffect(() => {
    let timer = 0;
    let over = false;
    const round = async () => {
      if (!document.hidden) await ask();
      if (!over) timer = window.setTimeout(round, seconds * 1000);
    };
    void round();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [ask, seconds]);
  return { value, problems, again: ask };
}

// Something that a button does: its problems are shown, and it is not done twice at a time.
export function useAction(after: () => unknown) {
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Problem[]>([]);
  const run = async (action: () => Promise<unknown>) => {
    setBusy(true);
    setProblems([]);
    try {
      await action();
      return true;
    } catch (error) {
      setProblems(problemsOf(error));
      return false;
    } finally {
      setBusy(false);
      await after();
    }
  };
  return { busy, problems, run };
}

// 1234567 → "1.2 M"
export function short(value: number): string {
  const units = ["", " k", " M", " G", " T"];
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return (value >= 10 || unit === 0 ? value.toFixed(0) : value.toFixed(1)) + units[unit];
}

export const when = (unix: number) => new Date(unix * 1000).toLocaleString();
